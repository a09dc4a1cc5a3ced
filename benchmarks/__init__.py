"""How fast the tap is, each figure beside a bound measured in the same run: `python -m benchmarks`.

`loop`, `sdk_tap` and `empty_tap` are what it is compared with.
"""
