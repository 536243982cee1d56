// `litestreamctl manual`: litestreamctl(1), made from the verbs.
#include "cli/roff.hpp"
#include "verb.hpp"

namespace litestreamctl {

namespace {

void describe(cli::Manual& page, const Verb& verb) {
  std::string line = verb.name;
  if (!verb.flags.empty()) line += " [OPTIONS]";
  if (!verb.arguments.empty()) line += " " + verb.arguments;
  page.subsection(line).paragraph(verb.summary).flags(verb.flags);
}

void describe_many(cli::Manual& page) {
  page.section("MANY DATABASES");
  page.paragraph(
      "start, stop and sync take -all, or a pattern in quotes instead of a path; it is matched against the paths that "
      "list shows, *, ? and [...] never matching a slash. Each database gets one line; those that are already started "
      "or stopped are passed over and said to be. The exit status is 0 only when none failed.");
  page.example("litestreamctl sync -socket /var/run/litestream.sock -wait '/data/*.db'");
}

void describe_output(cli::Manual& page) {
  page.section("OUTPUT");
  page.paragraph(
      "On a terminal list prints a table, status and info one line a member, start, stop and sync one line. "
      "Everywhere else, and with -json, the result of the control protocol is printed as JSON. Errors go to standard "
      "error: a line \"Error: ...\", often a line \"Hint: ...\" behind it.");
}

Outcome run_manual(const cli::Arguments& args) {
  if (!args.positional().empty()) return misuse("too many arguments");
  cli::Manual page("litestreamctl", 1, "controls litestreamd and restores databases");
  page.section("SYNOPSIS").paragraph("litestreamctl COMMAND [OPTIONS] [ARGUMENTS]");
  page.section("DESCRIPTION");
  page.paragraph(
      "Asks a running litestreamd(8) over its control socket, or works without one (restore, ltx, databases). Options "
      "take one dash or two, their value behind a blank or an equals sign, before or after the arguments.");
  page.section("COMMANDS");
  for (const Verb& verb : all_verbs()) describe(page, verb);
  describe_many(page);
  describe_output(page);
  page.section("EXIT STATUS");
  for (const ExitStatus& status : kExitStatuses) page.item(std::to_string(status.value), status.meaning);
  page.section("ENVIRONMENT");
  page.item("LITESTREAM_CONFIG", "The configuration file of restore, ltx and databases when -config is not given.");
  page.section("SEE ALSO").paragraph("litestreamd(8)");
  return printed(page.text());
}

}  // namespace

Verb manual_verb() { return {"manual", "", "Print the manual page: litestreamctl manual | man -l -", {}, run_manual}; }

}  // namespace litestreamctl
