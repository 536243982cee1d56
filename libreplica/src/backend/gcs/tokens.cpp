#include "backend/gcs/tokens.hpp"

namespace replica::gcs {
namespace {

constexpr std::chrono::minutes kEarly{5};  // before they expire

}  // namespace

Result<void> TokenCache::fetch(const Call& call) {
  auto file = read_key_file(key_file_, around_.environment);
  if (!file) return pass(file);
  auto token = file->text.empty() ? token_of_machine(around_, call) : token_by_key_file(*file, around_, call);
  if (!token) return pass(token);
  kept_ = std::move(*token);
  kept_by_ = std::move(file->text);
  return {};
}

Result<std::string> TokenCache::get(const Call& call) {
  const std::scoped_lock lock(mutex_);
  const Timestamp now = around_.clock.now();
  if (!kept_.text.empty() && now + kEarly < kept_.expires_at) return kept_.text;
  auto fetched = fetch(call);
  // What is still good for a few minutes is used while its source is out of reach.
  const bool still_good = !kept_.text.empty() && now < kept_.expires_at;
  if (!fetched && !still_good) return pass(fetched, "find credentials");
  return kept_.text;
}

bool TokenCache::forget(const std::string& refused, bool only_if_changed) {
  const std::scoped_lock lock(mutex_);
  if (kept_.text != refused) return !kept_.text.empty();  // another thread was faster
  if (only_if_changed) {
    const auto file = read_key_file(key_file_, around_.environment);
    if (!file || file->text == kept_by_) return false;
  }
  kept_ = {};
  return true;
}

}  // namespace replica::gcs
