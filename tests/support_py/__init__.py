"""What the tests and benchmarks in Python share. Python 3 standard library only."""
