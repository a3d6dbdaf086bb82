"""One stand-alone file a peer, run by its own interpreter through `runner.py`; see there.

None of them is imported as part of this package: they bear the names of the libraries.
"""
