"""The tests of hotline; shared builders are imported as `tests.…`."""
