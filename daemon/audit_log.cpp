#include "audit_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <system_error>

#include "control/methods.hpp"

namespace litestreamd {

using replica::Errc;
using replica::fail;
using replica::Result;
namespace json = boost::json;

namespace {

constexpr std::size_t kMaxText = 1024;  // of one value; a caller can not fill the disk with a line
constexpr std::size_t kMaxEntries = 32;
constexpr int kMaxDepth = 4;

bool may_be_secret(std::string_view key) {
  constexpr std::array<std::string_view, 6> kWords{"secret", "token", "password", "passwd", "key", "credential"};
  std::string lower(key);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

// s3://KEY:SECRET@bucket/path?secret=… → s3://***@bucket/path?***
std::string without_credentials(std::string text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string::npos) return text;
  if (const std::size_t query = text.find('?', scheme); query != std::string::npos)
    text.replace(query + 1, text.npos, "***");
  const std::size_t host = scheme + 3;
  const std::size_t at = text.substr(0, text.find('/', host)).rfind('@');
  if (at != std::string::npos && at > host) text.replace(host, at - host, "***");
  return text;
}

json::value shown(const json::value& value, int depth);

json::object shown(const json::object& object, int depth) {
  json::object out;
  for (const auto& [key, value] : object) {
    if (out.size() == kMaxEntries) break;
    const std::string name = std::string(std::string_view(key.data(), key.size())).substr(0, kMaxText);
    out[name] = may_be_secret(name) ? json::value("***") : shown(value, depth + 1);
  }
  return out;
}

json::value shown(const json::value& value, int depth) {
  if (depth > kMaxDepth) return "…";
  if (const json::string* text = value.if_string()) {
    return json::string(without_credentials(std::string(text->data(), text->size())).substr(0, kMaxText));
  }
  if (const json::object* object = value.if_object()) return shown(*object, depth);
  if (const json::array* array = value.if_array()) {
    json::array out;
    for (const json::value& entry : *array) {
      if (out.size() == kMaxEntries) break;
      out.push_back(shown(entry, depth + 1));
    }
    return out;
  }
  return value;
}

std::string_view transport_name(control::Transport transport) {
  return transport == control::Transport::unix_socket ? "unix" : "tcp";
}

json::value id_value(std::string_view text) {
  boost::system::error_code ec;
  json::value id = json::parse(json::string_view(text.data(), std::min(text.size(), kMaxText)), ec);
  return ec ? json::value() : id;
}

Result<Fd> open_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) return Fd(fd);
  return fail(Errc::io, "cannot open audit log " + path + ": " + std::generic_category().message(errno));
}

}  // namespace

std::string audit_line(const control::CallRecord& call, replica::Timestamp time) {
  json::object out{{"time", replica::to_rfc3339(time)},
                   {"who", call.caller != nullptr ? json::value(call.caller->name) : json::value()}};
  if (call.caller != nullptr && call.caller->pid) out["pid"] = *call.caller->pid;
  out["transport"] = transport_name(call.transport);
  if (!call.method.empty()) out["method"] = call.method.substr(0, kMaxText);
  if (call.params != nullptr && !call.params->is_null()) out["params"] = shown(*call.params, 0);
  if (!call.id.empty()) out["id"] = id_value(call.id);
  out["result"] = call.error == nullptr ? "ok" : call.refused() ? "refused" : "failed";
  if (call.error != nullptr) {
    out["code"] = call.error->code;
    out["reason"] = call.error->reason;
    out["message"] = call.error->message.substr(0, kMaxText);
  }
  out["duration_us"] = std::chrono::duration_cast<std::chrono::microseconds>(call.duration).count();
  return json::serialize(out);
}

Result<std::unique_ptr<AuditLog>> AuditLog::open(std::string path, const replica::Clock& clock, replica::Logger& log) {
  auto file = open_file(path);
  if (!file) return replica::pass(file);
  return std::unique_ptr<AuditLog>(new AuditLog(std::move(path), clock, log, std::move(*file)));
}

void AuditLog::note(const control::CallRecord& call) {
  if (call.changes() || call.refused()) write(audit_line(call, clock_.now()) + "\n");
}

void AuditLog::write(const std::string& line) {
  const std::lock_guard lock(mutex_);
  const ssize_t n = ::write(file_.get(), line.data(), line.size());
  const bool failed = n != static_cast<ssize_t>(line.size());
  if (failed && !failing_) {
    const std::string why = n < 0 ? std::generic_category().message(errno) : "no space left";
    log_.log(replica::LogLevel::error, "cannot write the audit log", {{"path", path_}, {"error", why}});
  }
  failing_ = failed;
}

Result<void> AuditLog::reopen() {
  auto fresh = open_file(path_);
  if (!fresh) return replica::pass(fresh);
  const std::lock_guard lock(mutex_);
  file_ = std::move(*fresh);
  return {};
}

}  // namespace litestreamd
