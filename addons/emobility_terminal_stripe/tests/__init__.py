from . import test_reader
