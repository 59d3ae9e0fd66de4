"""``isthmus denoise`` on recordings as a person uses it: files, a folder with all that can be wrong, live."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from tests import sounds
from tests.browser import needs_chromium, open_page
from tests.cli.test_verbs import isthmus

from isthmus.cli.denoise import denoise
from isthmus.errors import DataError, MissingExtra


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sounds.run(tmp_path_factory.mktemp("sound") / "run")


def call(*arguments: Any, code: int = 0) -> Result:
    """The verb in this process: a start of torch less."""
    done = CliRunner().invoke(denoise, [str(a) for a in arguments])
    assert done.exit_code == code, (done.output, done.exception)
    return done


def test_a_recording_becomes_a_recording_of_its_kind(tmp_path: Path, model: Path) -> None:
    source = sounds.write(tmp_path / "talk.wav", sounds.voice(1, 44_100, 2), 44_100, "PCM_24")
    before = source.read_bytes()
    done = call("denoise", "-o", tmp_path / "x", "--model", model, code=1)
    assert "no such file" in done.stderr
    options = ("--model", model, "--json")
    done = call(source, "-o", tmp_path / "clean.flac", *options)
    line, last = (json.loads(text) for text in done.stdout.splitlines())
    assert last["done"] == 1
    assert line["output"] == str(tmp_path / "clean.flac")
    assert isinstance(line["snr"], float)
    assert isinstance(line["lowered"], float)
    info = soundfile.info(tmp_path / "clean.flac")
    assert (info.samplerate, info.channels, info.frames, info.subtype) == (
        44_100,
        2,
        44_100,
        "PCM_24",
    )
    assert source.read_bytes() == before


def test_out_and_removed_are_the_input(tmp_path: Path, model: Path) -> None:
    x = sounds.voice(1, 48_000)
    source = sounds.write(tmp_path / "a.wav", x, 48_000, "DOUBLE")
    call(source, "-o", tmp_path / "b.wav", "--model", model)
    call(source, "-o", tmp_path / "c.wav", "--model", model, "--noise-only")
    call(source, "-o", tmp_path / "d.wav", "--model", model, "--strength", 0)
    call(source, "-o", tmp_path / "e.wav", "--model", model, "--attenuation-limit", 20)
    b, c, d, e = (soundfile.read(tmp_path / f"{n}.wav")[0] for n in "bcde")
    assert np.abs(b + c - x[:, 0]).max() < 1e-12
    assert np.array_equal(d, x[:, 0])
    assert np.allclose(e, x[:, 0] - 0.9 * c, atol=1e-12)


def test_everything_that_can_be_wrong_in_one_folder(tmp_path: Path, model: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    x = sounds.voice(0.5, 16_000)
    good = {
        "good.wav": (x, 16_000), "deep/ü ö.wav": (x, 16_000), "one.wav": (x[:1], 16_000),
        "seven.wav": (x, 7_000), "twelve.wav": (np.repeat(x, 12, 1), 16_000),
        "clipped.wav": (np.clip(30 * x, -1, 1), 16_000), "direct.wav": (0.5 * x + 0.4, 16_000),
        "silence.wav": (0 * x, 16_000), "fast.wav": (np.repeat(x, 12, 0), 192_000),
    }  # fmt: skip
    for name, (samples, rate) in good.items():
        sounds.write(folder / name, samples, rate)
    (folder / "cut.wav").write_bytes((folder / "good.wav").read_bytes()[:9_000])
    bad = {"empty.wav": b"", "text.wav": b"not a sound\n" * 20, "broken.flac": b"fLaC" + bytes(90)}
    for name, held in bad.items():
        (folder / name).write_bytes(held)
    sounds.write(folder / "header.wav", x[:0], 16_000)
    for name, value in (("nan.wav", np.nan), ("inf.wav", -np.inf)):
        broken = x.copy()
        broken[4_000] = value
        sounds.write(folder / name, broken, 16_000, "FLOAT")
    done = isthmus("denoise", folder, "-o", out, "--model", model, "--json", code=1)
    made = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert made == {*good, "cut.wav"}
    named = [line for line in done.stderr.splitlines() if line.startswith("isthmus: ")]
    assert len(named) == 6
    for name, cause in (
        ("empty.wav", "is empty"), ("text.wav", "cannot be read as sound"), ("broken.flac", "cannot be read"),
        ("header.wav", "holds no sound"), ("nan.wav", "not numbers, the first at 0.250 s"), ("inf.wav", "not numbers"),
    ):  # fmt: skip
        assert any(name in line and cause in line for line in named), (name, named)
    assert "Traceback" not in done.stderr
    lines = {Path(t["input"]).name: t for t in map(json.loads, done.stdout.splitlines()[:-1])}
    assert "cut short" in lines["cut.wav"]["notes"][0]
    assert "clipped" in lines["clipped.wav"]["notes"][0]
    assert lines["silence.wav"]["text"] == "silent"
    for name, (samples, rate) in good.items():
        info = soundfile.info(out / name)
        assert (info.frames, info.samplerate, info.channels) == (
            len(samples),
            rate,
            samples.shape[1],
        )
    assert not soundfile.read(out / "silence.wav")[0].any()


def test_photographs_and_sound_go_their_own_ways(tmp_path: Path, model: Path) -> None:
    sounds.write(tmp_path / "in/a.wav", sounds.voice(0.2, 16_000), 16_000)
    (tmp_path / "in/b.png").write_bytes(b"\x89PNG\r\n\x1a\n no more")
    both = call(tmp_path / "in", "-o", tmp_path / "out", "--compare", tmp_path / "p.html", code=2)
    assert "a page each" in both.stderr
    done = call(tmp_path / "in", "-o", tmp_path / "out", "--model", model, code=1)
    assert "b.png" in done.stderr
    assert (tmp_path / "out/a.wav").is_file()
    assert not (tmp_path / "out/b.png").exists()


def test_wrong_usage(tmp_path: Path, model: Path) -> None:
    source = sounds.write(tmp_path / "a.wav", sounds.voice(0.2, 16_000), 16_000)
    for arguments in (
        (), (source,), ("-o", tmp_path / "b.wav"), ("--live", source, "-o", tmp_path / "b.wav"),
        (source, "-o", tmp_path / "b.xyz"), (source, "-o", tmp_path / "b.wav", "--strength", 2),
        (source, "-o", tmp_path / "b.wav", "--attenuation-limit", -3),
    ):  # fmt: skip
        call(*arguments, code=2)
    done = call(source, "-o", source, "--model", model, code=1)
    assert "is an input" in done.stderr


@needs_chromium
def test_the_page_shows_and_plays(tmp_path: Path, model: Path) -> None:
    hostile = "a<img src=x onerror=alert(1)>.wav"
    for name in ("talk.wav", hostile):
        sounds.write(tmp_path / "in" / name, sounds.voice(1.2, 44_100, 2), 44_100)
    page = tmp_path / "page.html"
    call(tmp_path / "in", "-o", tmp_path / "out", "--model", model, "--compare", page)
    script = """
      const root = document.querySelector('.recording:last-of-type');
      const press = (key, on) => on.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
      press('2', root);
      root.querySelectorAll('.stage')[0].dispatchEvent(new MouseEvent('click', {
        bubbles: true, clientX: root.querySelector('.stage').getBoundingClientRect().left + root.querySelector('.stage').clientWidth / 2 }));
      document.title = [...root.querySelectorAll('[role=radio]')].map((b) => b.getAttribute('aria-checked')).join()
        + '|' + Number(root.querySelector('input').value).toFixed(1);
      const bytes = Uint8Array.from(atob(root.querySelector('.sound').textContent), (c) => c.charCodeAt(0));
      new OfflineAudioContext(1, 1, 44100).decodeAudioData(bytes.buffer).then((b) => { root.dataset.decoded = b.duration.toFixed(2); });
      // The browser's clock here is its own and does not wait for the decoder's thread: work does.
      const wait = (sum) => { for (let i = 0; i < 1e7; i++) sum += i; if (!root.dataset.decoded) setTimeout(wait, 1, sum); };
      wait(0);
    """
    dom, console = open_page(page, tmp_path / "profile", script=script)
    assert not console
    assert "<title>false,true,false|0.6</title>" in dom
    assert 'data-decoded="1.2' in dom
    assert dom.count("data:image/png") == 6
    assert "<img src=x" not in dom


def test_live_passes_blocks_through(
    monkeypatch: pytest.MonkeyPatch, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = sounds.voice(0.5, 16_000).astype(np.float32)
    played: list[Any] = []

    class Stream:
        latency = (0.01, 0.02)

        def __init__(self, **options: Any) -> None:
            assert options["samplerate"] == 16_000
            assert options["blocksize"] == 256
            self.at = 0

        def __enter__(self) -> Stream:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def read(self, count: int) -> tuple[Any, bool]:
            if self.at >= 20 * count:
                raise KeyboardInterrupt
            self.at += count
            return x[self.at - count : self.at], self.at == count

        def write(self, block: Any) -> None:
            assert block.dtype == np.float32
            played.append(block)

    device = types.SimpleNamespace(Stream=Stream, PortAudioError=OSError)
    monkeypatch.setitem(sys.modules, "sounddevice", device)
    done = call("--live", "--model", model)
    assert "32 ms behind plus the device's own 30 ms" in done.stderr
    assert "1 blocks were lost" in done.stderr
    from isthmus.tasks.streaming import Denoiser

    offline = Denoiser(sounds.model(), sounds.recipe(), 16_000).push(x[: 20 * 256])
    assert np.abs(np.concatenate(played) - offline[: 19 * 256]).max() < 1e-5


def test_live_without_device_or_package(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    class Stream:
        def __init__(self, **_: Any) -> None:
            raise OSError("no default input device")

    device = types.SimpleNamespace(Stream=Stream, PortAudioError=OSError)
    monkeypatch.setitem(sys.modules, "sounddevice", device)
    done = CliRunner().invoke(denoise, ["--live", "--model", str(model)])
    assert isinstance(done.exception, DataError)
    assert "no microphone or loudspeaker" in str(done.exception)
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    done = CliRunner().invoke(denoise, ["--live", "--model", str(model)])
    assert isinstance(done.exception, MissingExtra)
    assert "isthmus[live]" in str(done.exception)
