#!/usr/bin/env python3
"""Azure, Google Cloud Storage and OSS that answer and should not be believed, or do not want to."""
import pathlib
import sys
import unittest

from fault_answers import AnswerRun, EachAnswer
from fault_stores import AzureStore, GcsStore, OssStore

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import azure_server, gcs_server  # noqa: E402


@azure_server.required
class AzureAnswers(EachAnswer, AzureStore, AnswerRun):
    pass


@gcs_server.required
class GcsAnswers(EachAnswer, GcsStore, AnswerRun):
    pass


class OssAnswers(EachAnswer, OssStore, AnswerRun):
    pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
