"""What ``isthmus denoise`` does to sound: files in blocks, and a microphone live."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isthmus.cli.common import loaded, say

if TYPE_CHECKING:
    from isthmus.cli.batch import Job

MODEL = "sound-denoise"
_MOST_SHOWN = 20


class SoundCleaner:
    """Reads, cleans and writes one recording after the other with one model, in constant memory."""

    def __init__(
        self,
        model: str,
        strength: float,
        limit: float | None,
        noise_only: bool,
        compares: bool,
    ) -> None:
        self.name = model
        self.strength, self.limit, self.noise_only = strength, limit, noise_only
        self.compares = compares
        self.model: Any = None
        self.shown: list[Any] = []

    def __call__(
        self, job: Job, temporary: Path, progress: Callable[[float], None]
    ) -> dict[str, Any]:
        from isthmus.media import sound
        from isthmus.report.listen import Heard
        from isthmus.training.engine import one_thread

        with sound.Source(job.source) as source:
            cleaner = self._cleaner(source.rate, source.channels)
            keeps = self.compares and len(self.shown) < _MOST_SHOWN
            heard = Heard(source.rate, source.channels, self.noise_only, keeps)
            with sound.Sink(temporary, source) as sink, one_thread():
                sound.through(
                    source,
                    sink,
                    lambda block: heard.note(block, cleaner.push(block)),
                    lambda: heard.note(None, cleaner.flush()),
                    progress,
                )
            notes = list(source.notes)
        figures = heard.figures()
        text = said(figures) + (f"  ({'; '.join(notes)})" if notes else "")
        if keeps:
            self.shown.append(heard.shown(job.source.name, text))
        tree = {**figures, "text": text}
        return {**tree, "notes": notes} if notes else tree

    def _cleaner(self, rate: int, channels: int) -> Any:
        from isthmus.tasks.streaming import Denoiser

        if self.model is None:
            self.model = loaded(self.name, "denoise_sound", "sound", MODEL)
        return Denoiser(
            self.model.autoencoder,
            self.model.recipe,
            rate,
            channels,
            self.strength,
            self.limit,
            self.noise_only,
        )


def said(figures: dict[str, Any]) -> str:
    """The figures of a recording for a person."""
    if figures["snr"] is None:
        return "silent" if figures["lowered"] is None else "no noise found"
    return (
        f"speech {figures['snr']:+.0f} dB above noise, pauses {figures['lowered']:.0f} dB quieter"
    )


def live(name: str, strength: float, limit: float | None, noise_only: bool) -> None:
    """From the microphone to the loudspeaker until Ctrl-C. Raises MissingExtra, DataError."""
    from isthmus.errors import DataError, MissingExtra
    from isthmus.tasks.streaming import Denoiser
    from isthmus.training.engine import one_thread

    try:
        import sounddevice
    except ImportError:
        raise MissingExtra("sounddevice", "live", "denoise --live") from None
    except OSError as error:
        raise DataError(
            f"--live: PortAudio cannot be used ({error}); on Debian: apt-get install libportaudio2"
        ) from None
    model = loaded(name, "denoise_sound", "sound", MODEL)
    rate = model.recipe.data.sample_rate
    cleaner = Denoiser(
        model.autoencoder, model.recipe, rate, 1,
        strength=strength, limit=limit, noise_only=noise_only,
    )  # fmt: skip
    hop, lost = cleaner.hop, 0
    try:
        with (
            one_thread(),
            sounddevice.Stream(
                samplerate=rate, blocksize=hop, channels=1, dtype="float32", latency="low"
            ) as stream,
        ):
            say(
                f"live at {rate} Hz, {cleaner.latency * 1000:.0f} ms behind plus the device's own "
                f"{1000 * sum(stream.latency):.0f} ms; wear headphones; Ctrl-C ends"
            )
            while True:
                block, overflowed = stream.read(hop)
                lost += bool(overflowed)
                made = cleaner.push(block)
                if len(made):
                    stream.write(made.astype("float32"))
    except sounddevice.PortAudioError as error:
        raise DataError(f"--live: no microphone or loudspeaker can be used ({error})") from None
    except KeyboardInterrupt:
        say(f"ended; {lost} blocks were lost" if lost else "ended")
