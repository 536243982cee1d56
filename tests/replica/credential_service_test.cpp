// Where secrets may be sent.
#include "backend/credential_service.hpp"

#include "support/catch.hpp"

using replica::backend::may_carry_secrets;

TEST_CASE("secrets go over TLS or stay here") {
  for (const char* url : {"https://example.com/x", "http://127.0.0.1:1/x", "http://127.1.2.3", "http://localhost/x",
                          "http://localhost:99", "http://[::1]:1/", "http://[::1]"})
    CHECK(may_carry_secrets(url));
  for (const char* url : {"http://example.com", "http://127.0.0.1.example.com/", "http://127.evil.example/",
                          "http://localhost.example.com", "http://127.0.0.1@example.com/", "http://[::1]@example.com/",
                          "http://10.0.0.1/", "ftp://localhost", "http://", "http://x", ""})
    CHECK_FALSE(may_carry_secrets(url));
}

TEST_CASE("the services of a machine are known by their addresses") {
  for (const char* url :
       {"http://169.254.170.2/x", "http://[fd00:ec2::23]/x", "http://100.100.100.200:80", "http://127.0.0.1"})
    CHECK(may_carry_secrets(url, {"169.254.170.2", "[fd00:ec2::23]", "100.100."}));
  for (const char* url : {"http://169.254.170.23/", "http://169.254.170.2.example.com/", "http://100.100.example.com",
                          "http://169.254.170.2@example.com"})
    CHECK_FALSE(may_carry_secrets(url, {"169.254.170.2", "100.100."}));
}

TEST_CASE("slashes at the end of an address are left out") {
  CHECK(replica::backend::without_slashes("http://h/a//") == "http://h/a");
  CHECK(replica::backend::without_slashes("//").empty());
}
