"""Label a parquet table of companies on a cluster; gonglian is installed on driver and workers.

spark-submit examples/score_on_spark.py INPUT_PARQUET OUTPUT_PARQUET --text 简介 [--text 经营范围] [--prior 0.9]
"""

import argparse
import sys

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from classifier.errors import ClassifierError
from classifier.spark import score


def parse_arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description="Label a parquet table of companies with gonglian on Spark.")
    parser.add_argument("input", metavar="INPUT_PARQUET", help="table to read: a file, a folder, any address of Spark")
    parser.add_argument("output", metavar="OUTPUT_PARQUET", help="folder to write; it must not be there yet")
    parser.add_argument("--text", action="append", default=[], metavar="COL", help="description; may be given again")
    parser.add_argument("--prior", type=float, help="share of companies out of scope that you expect in the input")
    parser.add_argument("--threshold", type=float, help="least probability for status accepted")
    parser.add_argument("--prefix", default="", help="put this before the names of the result's columns")
    return parser.parse_args()


def main() -> None:
    """Read, label and write; Spark moves the output into its place when every task is done."""
    given = parse_arguments()
    spark = SparkSession.builder.appName("gonglian").getOrCreate()
    try:
        labelled = score(
            spark.read.parquet(given.input),
            given.text,
            expected_out_of_scope=given.prior,
            accept_probability=given.threshold,
            prefix=given.prefix,
        )
        labelled.write.parquet(given.output)
    except (ClassifierError, AnalysisException) as error:
        sys.exit(f"score_on_spark: {str(error).splitlines()[0]}")


if __name__ == "__main__":
    main()
