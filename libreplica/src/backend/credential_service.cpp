#include "backend/credential_service.hpp"

#include <algorithm>

namespace replica::backend {
namespace {

constexpr std::size_t kLimit = std::size_t{64} * 1024;

// "127.0.0.1" or "[::1]"; empty when there is a user before it, who may look like a host.
std::string_view host_of(std::string_view url) {
  constexpr std::string_view kPlain = "http://";
  if (!url.starts_with(kPlain)) return {};
  url.remove_prefix(kPlain.size());
  const std::string_view authority = url.substr(0, url.find_first_of("/?#"));
  if (authority.find('@') != std::string_view::npos) return {};
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

bool is_host(std::string_view host, std::string_view pattern) {
  if (!pattern.ends_with('.')) return host == pattern;
  return host.starts_with(pattern) && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

bool may_carry_secrets(std::string_view url, std::initializer_list<std::string_view> agents) noexcept {
  if (url.starts_with("https://")) return true;
  const std::string_view host = host_of(url);
  const auto is_it = [&](std::string_view pattern) { return is_host(host, pattern); };
  const auto here = {std::string_view("localhost"), std::string_view("127."), std::string_view("[::1]")};
  return std::any_of(here.begin(), here.end(), is_it) || std::any_of(agents.begin(), agents.end(), is_it);
}

Result<http::Response> ask_for_credentials(http::Client& client, http::Request request, std::string_view what,
                                           const Call& call) {
  request.body_limit = kLimit;
  request.kind = RequestClass::login;
  auto answer = client.send(request, call);
  return answer ? std::move(answer) : Result<http::Response>(pass(answer, what));
}

std::string without_slashes(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace replica::backend
