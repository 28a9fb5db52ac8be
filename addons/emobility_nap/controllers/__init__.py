from . import nap
