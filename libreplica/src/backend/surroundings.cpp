#include "backend/surroundings.hpp"

#include <algorithm>
#include <cstdlib>

#include "io/file.hpp"

namespace replica::backend {
namespace {

constexpr std::chrono::milliseconds kMoment{150}, kMomentAfterStop{500};
constexpr std::uint64_t kLargestFile = std::uint64_t{1} << 20U;

}  // namespace

std::optional<std::string> process_environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

const Clock& system_clock() {
  static const SystemClock kClock;
  return kClock;
}

Result<std::string> read_small_file(const std::string& path) {
  auto file = io::File::open(path, io::File::Mode::read);
  if (!file && file.error().code == Errc::not_found) return std::string();
  if (!file) return pass(file);
  auto info = file->info();
  if (!info) return pass(info);
  if (info->size > kLargestFile) return fail(Errc::invalid_argument, path + " is too large");
  std::string text(info->size, '\0');
  auto got = file->read_at(0, std::as_writable_bytes(std::span(text)));
  if (!got) return pass(got);
  text.resize(*got);
  return text;
}

std::string trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin));
}

Call within(const Call& call, std::chrono::milliseconds patience) {
  const auto limit = std::chrono::steady_clock::now() + patience;
  Call out = call;
  out.deadline = call.deadline ? std::min(*call.deadline, limit) : limit;
  return out;
}

Call in_any_case(const Call& call, std::chrono::milliseconds patience) {
  const auto now = std::chrono::steady_clock::now();
  auto end = now + patience;
  if (call.deadline) end = std::clamp(*call.deadline, now + kMoment, end);
  if (call.stop.stop_requested()) end = std::min(end, now + kMomentAfterStop);
  return {.stop = {}, .deadline = end, .requests = call.requests, .attempt = call.attempt};
}

}  // namespace replica::backend
