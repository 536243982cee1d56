#include "manual.hpp"

#include "cli/roff.hpp"
#include "config/config.hpp"

namespace litestreamd {

std::string manual(const cli::Usage& usage) {
  cli::Manual page(usage.name, 8, "replicates SQLite databases as they change");
  page.section("SYNOPSIS").paragraph(std::string(usage.name) + " [OPTIONS] " + std::string(usage.arguments));
  page.section("DESCRIPTION").paragraph(usage.summary);
  page.paragraph(
      "While it runs it is steered by litestreamctl(1), or by anything that speaks JSON-RPC to its control socket or "
      "to "
      "http://ADDR/control/. It says READY=1 on $NOTIFY_SOCKET once it does.");
  page.section("OPTIONS").flags(usage.flags);
  page.section("CONFIGURATION").paragraph("A YAML file. $NAME and ${NAME} stand for variables of the environment.");
  page.example(config::describe_keys());
  page.section("SIGNALS");
  page.item("SIGTERM, SIGINT", "Upload what is missing and end; a second one gives up at once.");
  page.section("EXIT STATUS");
  page.item("0", "Everything is on the replicas.");
  page.item("1", "It could not start, or a final upload failed; the database is named on standard error.");
  page.item("2", "The command line makes no sense.");
  page.paragraph("With -exec: the exit status of the command.");
  page.section("ENVIRONMENT");
  page.item("LITESTREAM_CONFIG", "The configuration file when -config is not given.");
  page.section("FILES");
  page.item("/etc/litestream.yml", "The configuration file when nothing else says so.");
  page.section("SEE ALSO").paragraph("litestreamctl(1)");
  return page.text();
}

}  // namespace litestreamd
