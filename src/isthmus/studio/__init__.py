"""The Studio: a server on this machine, and the page it serves.

The server (Starlette, ``app.py``) never imports torch: runs are read as files, and what needs torch or
scikit-learn is done by worker processes (``worker.py``) that speak JSON lines over pipes. The interface
is written down in ``docs/decisions/studio-api.md``.
"""
