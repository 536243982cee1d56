#include "backend/s3/profile.hpp"

#include "base/text.hpp"

namespace replica::s3 {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

// The name in "[profile NAME]" or "[NAME]".
std::string_view section_name(std::string_view line, bool is_config_file) {
  std::string_view name = trimmed(line.substr(1, line.find(']') - 1));
  if (!is_config_file || name == "default") return name;
  constexpr std::string_view kWord = "profile ";
  return name.starts_with(kWord) ? trimmed(name.substr(kWord.size())) : std::string_view();
}

void take(std::string_view key, std::string_view value, Profile& out) {
  const std::pair<std::string_view, std::string*> places[] = {
      {"aws_access_key_id", &out.keys.access_key_id},
      {"aws_secret_access_key", &out.keys.secret_access_key},
      {"aws_session_token", &out.keys.session_token},
      {"region", &out.region},
      {"credential_process", &out.credential_process},
      {"role_arn", &out.role_arn},
      {"web_identity_token_file", &out.web_identity_token_file},
      {"role_session_name", &out.role_session_name},
  };
  for (const auto& [name, place] : places) {
    if (name == key) *place = value;
  }
}

std::string path_of(const Environment& environment, std::string_view variable, std::string_view standard) {
  if (auto path = environment(variable); path && !path->empty()) return *path;
  const auto home = environment("HOME");
  return home && !home->empty() ? base::concat(*home, "/", standard) : std::string();
}

}  // namespace

void read_profile(std::string_view text, std::string_view name, bool is_config_file, Profile& out) {
  bool inside = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view raw = text.substr(0, end), line = trimmed(raw);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      inside = section_name(line, is_config_file) == name;
      continue;
    }
    const std::size_t equals = line.find('=');
    const bool nested = raw.front() == ' ' || raw.front() == '\t';  // belongs to the key above
    if (!inside || nested || equals == std::string_view::npos) continue;
    take(trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)), out);
  }
}

Result<Profile> load_profile(const Environment& environment) {
  auto name = environment("AWS_PROFILE").value_or("default");
  if (name.empty()) name = "default";
  Profile profile;
  const std::pair<std::string, bool> files[] = {
      {path_of(environment, "AWS_CONFIG_FILE", ".aws/config"), true},
      {path_of(environment, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"), false},
  };
  for (const auto& [path, is_config_file] : files) {
    if (path.empty()) continue;
    auto text = backend::read_small_file(path);
    if (!text) return pass(text, "read credentials");
    read_profile(*text, name, is_config_file, profile);
  }
  return profile;
}

}  // namespace replica::s3
