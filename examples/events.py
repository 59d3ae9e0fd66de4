"""A training as an iterator: stop when the picture is good enough. A few seconds.

Run: python examples/events.py
"""

import isthmus
from isthmus.training import events

recipe = isthmus.Recipe.load("digits").set(
    "data.name=digits8", "data.shift=0", "bottleneck.size=12"
)
fitting = isthmus.fit(recipe)
for event in fitting:
    if isinstance(event, events.Evaluated):
        print(f"epoch {event.epoch}: {event.metrics['psnr']:.1f} dB")
        if event.metrics["psnr"] > 17:
            break
fitting.close()
print("a digit as twelve numbers:", fitting.model.encode(fitting.dataset.test.values[:1]).round(1))
