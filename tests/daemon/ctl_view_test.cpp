#include <boost/json/parse.hpp>

#include "human.hpp"
#include "rows.hpp"
#include "support/catch.hpp"
#include "top_view.hpp"

using namespace litestreamctl;
using namespace std::chrono_literals;

namespace {

const replica::Timestamp kNow = *replica::parse_rfc3339("2024-01-01T00:01:00Z");

boost::json::value two_databases() {
  return boost::json::parse(R"([
    {"path": "/data/a.db", "status": "open", "txid": 42, "replicated_txid": 42, "lag_seconds": 0,
     "database_bytes": 8192, "wal_bytes": 4152, "replica": "file:///r", "last_sync_at": "2024-01-01T00:00:48Z"},
    {"path": "/data/b\u001b[2J.db", "status": "open", "txid": 7, "replicated_txid": 5, "lag_seconds": 3.25,
     "database_bytes": 1234567, "wal_bytes": 0, "last_error": {"code": "unavailable", "message": "no\nroute"}},
    {"path": "/data/c.db", "status": "closed"}])");
}

}  // namespace

TEST_CASE("spans of time take six columns at most") {
  CHECK(span_text(-3) == "0 s");
  CHECK(span_text(0.04) == "0 s");
  CHECK(span_text(0.5) == "0.5 s");
  CHECK(span_text(9.94) == "9.9 s");
  CHECK(span_text(9.96) == "10 s");
  CHECK(span_text(119) == "119 s");
  CHECK(span_text(120) == "2 min");
  CHECK(span_text(7'199) == "120 min");
  CHECK(span_text(7'200) == "2 h");
  CHECK(span_text(86'400.0 * 9'999) == "9999 d");
}

TEST_CASE("a path steers no terminal and is cut by characters") {
  CHECK(printable("/a\x1b[31m\n\x7f") == "/a?[31m??");
  CHECK(columns("/dätä") == 5);
  CHECK(keep_end("/data/app.db", 12) == "/data/app.db");
  CHECK(keep_end("/data/app.db", 7) == "…app.db");
  CHECK(keep_end("/däää", 3) == "…ää");
  CHECK(keep_end("abc", 1) == "…");
  CHECK(keep_end("abc", 0).empty());
}

TEST_CASE("list as a table") {
  CHECK(list_text(two_databases(), kNow) ==
        "path            status  lag    txid              size    last sync\n"
        "/data/a.db      open    0 s    000000000000002a  8.2 kB  12 s ago\n"
        "/data/b?[2J.db  open    3.2 s  0000000000000007  1.2 MB  -\n"
        "/data/c.db      closed  -      -                 -       -\n"
        "\n/data/b?[2J.db: no?route\n");
  CHECK(list_text(boost::json::array(), kNow) == "no databases\n");
}

TEST_CASE("objects a member a line, actions in one line") {
  CHECK(object_text(two_databases().at(0).as_object()) ==
        "path             /data/a.db\nstatus           open\ntxid             000000000000002a\n"
        "replicated_txid  000000000000002a\nlag_seconds      0 s\ndatabase_bytes   8.2 kB\nwal_bytes        4.2 kB\n"
        "replica          file:///r\nlast_sync_at     2024-01-01T00:00:48Z\n");
  CHECK(object_text({{"pid", 12}, {"persist_to_config", false}, {"last_error", {{"code", "x"}}}}) ==
        "pid                12\npersist_to_config  no\nlast_error         {\"code\":\"x\"}\n");
  CHECK(object_text({{"requests",
                      {{"put", 12},
                       {"get", 0},
                       {"list", 10},
                       {"errors", 3},
                       {"retries", 2},
                       {"bytes_sent", 1234567},
                       {"bytes_received", 0}}}}) ==
        "requests  put 12, list 10; 3 errors, 2 retries; 1.2 MB sent, 0 B received\n");
  CHECK(outcome_line({{"status", "synced"}, {"path", "/a.db"}, {"txid", 3}, {"replicated_txid", 3}}) ==
        "/a.db  synced  0000000000000003\n");
  CHECK(outcome_line({{"status", "started"}, {"path", "/a.db"}}) == "/a.db  started\n");
}

TEST_CASE("the live view fits the screen, trouble first") {
  TopView view{.headline = "litestreamd v1", .trouble = {}, .rows = database_rows(two_databases())};
  sort_by_lag(view.rows);
  const auto lines = top_lines(view, {.rows = 10, .columns = 80}, kNow);
  REQUIRE(lines.size() == 7);
  CHECK(lines[2] == "PATH                    STATUS  LAG      TXID      WAL       SIZE      LAST SYNC");
  CHECK(lines[3] == "/data/b?[2J.db          error   3.2 s    7         0 B       1.2 MB    -");
  CHECK(lines[4] == "/data/a.db              open    0 s      2a        4.2 kB    8.2 kB    12 s");
  CHECK(lines[5] == "/data/c.db              closed  -        -         -         -         -");

  for (const std::size_t width : {1U, 8U, 20U, 61U, 79U, 200U})
    for (const std::size_t height : {0U, 1U, 3U, 5U, 6U, 50U}) {
      view.trouble = "Error: it is gone, and that is said in a line which is too long for a narrow screen";
      const auto some = top_lines(view, {.rows = height, .columns = width}, kNow);
      CHECK(some.size() <= height);
      for (const std::string& line : some) CHECK(columns(line) <= width);
    }
  CHECK(top_lines(view, {.rows = 5, .columns = 80}, kNow).back() == "2 more databases with less lag");

  view.rows[0].path = std::string(70, 'x') + "/end.db";
  CHECK(top_lines(view, {.rows = 10, .columns = 80}, kNow)[3].starts_with("…xxxxxxxxxxxxxx/end.db  error"));
  CHECK(top_lines(view, room_for(view), kNow)[3].starts_with(view.rows[0].path));
}
