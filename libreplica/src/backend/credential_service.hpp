// Services that give credentials for a while, and where secrets may be sent.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "http/client.hpp"

namespace replica::backend {

// Over TLS, within this machine, or to one of `agents`, services of the machine that listen on addresses of their own:
// "169.254.170.2", "[fd00:ec2::23]", or "169.254." for all IPv4 addresses that begin so.
bool may_carry_secrets(std::string_view url, std::initializer_list<std::string_view> agents = {}) noexcept;

// The answer, whatever its status; at most 64 KiB of it, and counted as a login.
Result<http::Response> ask_for_credentials(http::Client& client, http::Request request, std::string_view what,
                                           const Call& call);

// An address without slashes at its end.
std::string without_slashes(std::string url);

}  // namespace replica::backend
