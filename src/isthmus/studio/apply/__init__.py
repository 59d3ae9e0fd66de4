"""The Apply page's half of the server: files in, a verb of the command line run on them, results out.

``describe.py`` and ``tasks/`` say what can be done, a small file each; ``sniff.py`` and ``uploads.py`` hold
what a page sends; ``queue.py`` has it done by a worker process, whose part is in ``work.py``, ``looks.py``
and ``views.py``; ``routes.py`` is the interface.
"""
