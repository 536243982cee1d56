#include <boost/json/parse.hpp>

#include "output.hpp"
#include "progress_line.hpp"
#include "support/catch.hpp"

using litestreamctl::pretty;
using litestreamctl::table;

TEST_CASE("JSON is printed with two spaces and in its own order") {
  const auto text = [](const char* json) { return pretty(boost::json::parse(json)); };
  CHECK(text(R"({"path":"/data/app.db","status":"open"})") ==
        "{\n  \"path\": \"/data/app.db\",\n  \"status\": \"open\"\n}\n");
  CHECK(text(R"([{"z":1,"a":[true,null]}])") ==
        "[\n  {\n    \"z\": 1,\n    \"a\": [\n      true,\n      null\n    ]\n  }\n]\n");
  CHECK(text("[]") == "[]\n");
  CHECK(text("{\"a\":{}}") == "{\n  \"a\": {}\n}\n");
  CHECK(text(R"("a\"\n")") == "\"a\\\"\\n\"\n");
  CHECK(text("18446744073709551615") == "18446744073709551615\n");
}

TEST_CASE("columns are aligned and lines have no blanks at their ends") {
  CHECK(table({{"path", "replica"}, {"/a", "file"}, {"/long/path", ""}}) ==
        "path        replica\n/a          file\n/long/path\n");
  CHECK(table({}).empty());
}

TEST_CASE("progress is told in per cent and sizes people read") {
  replica::RestoreProgress progress;
  CHECK(litestreamctl::progress_text(progress) == "restoring 100% (0 B of 0 B)");
  progress.bytes_done = 1'234'567;
  progress.bytes_total = 4'000'000'000;
  CHECK(litestreamctl::progress_text(progress) == "restoring 0% (1.2 MB of 4.0 GB)");
  progress.bytes_done = progress.bytes_total;
  CHECK(litestreamctl::progress_text(progress) == "restoring 100% (4.0 GB of 4.0 GB)");
}

TEST_CASE("numbers with a fraction are printed as people write them") {
  CHECK(pretty(boost::json::value(0.25)) == "0.25\n");
  CHECK(pretty(boost::json::value(1234.5)) == "1234.5\n");
}
