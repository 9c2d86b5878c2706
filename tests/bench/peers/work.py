"""A work of a peer: how it is prepared, what clock it is timed by, and how our result compares with it."""
import time


class Work:
    def __init__(self, prepare, clock=time.process_time, compare=None):
        self.prepare, self.clock, self.compare = prepare, clock, compare


def simple(make, compare=None):
    """make(inputs) returns a function without arguments; all of it is timed."""

    def prepare(inputs):
        body = make(inputs)

        def run(watch):
            with watch:
                return body()

        return run

    return Work(prepare, compare=compare)
