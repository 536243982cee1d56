#!/usr/bin/env python3
"""S3 that answers and should not be believed, or does not want to."""
import pathlib
import sys
import unittest

from fault_answers import AnswerRun, EachAnswer
from fault_stores import S3Store

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import s3_server  # noqa: E402


@s3_server.required
class S3Answers(EachAnswer, S3Store, AnswerRun):
    pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
