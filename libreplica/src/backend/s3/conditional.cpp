#include "backend/s3/conditional.hpp"

#include <random>

#include "base/text.hpp"

namespace replica::s3 {
namespace {

constexpr int kRandomDigits = 16;

std::string probe_key(const std::string& store_key) {
  std::random_device random;
  const std::uint64_t number = (std::uint64_t{random()} << 32U) | random();
  return store_key.substr(0, store_key.rfind('/') + 1) + ".probe-" + base::hex(number, kRandomDigits);
}

bool is_refusal(const Error& error) { return error.code == Errc::unsupported || error.code == Errc::invalid_argument; }

}  // namespace

Result<ConditionalPut::State> ConditionalPut::probe(const std::string& store_key, const Call& call) {
  const std::string key = probe_key(store_key);
  const auto put = [&]() -> Result<void> {
    MemorySource nothing(Bytes{});
    auto sent = bucket_.send(
        {.method = "PUT", .key = key, .headers = {{.name = "If-None-Match", .value = "*"}}, .body = &nothing},
        "find out whether the store knows If-None-Match", call);
    if (!sent) return pass(sent);
    return {};
  };
  if (auto first = put(); !first) {
    if (is_refusal(first.error())) return State::no;
    return pass(first);
  }
  auto second = put();
  auto removed = bucket_.send({.method = "DELETE", .key = key}, "remove " + key, call);
  if (!second && second.error().code == Errc::precondition_failed) return State::yes;
  if (!second && !is_refusal(second.error())) return pass(second);
  static_cast<void>(removed);  // an empty object that is no LTX file is passed over by all readers
  return State::no;
}

Result<void> ConditionalPut::ensure(const std::string& store_key, const Call& call) {
  if (state_ == State::unknown) {
    const std::scoped_lock lock(probing_);
    if (state_ == State::unknown) {
      auto found = probe(store_key, call);
      if (!found) return pass(found);
      state_ = *found;
    }
  }
  if (state_ == State::yes) return {};
  return fail(Errc::unsupported, "the store does not keep the condition If-None-Match");
}

}  // namespace replica::s3
