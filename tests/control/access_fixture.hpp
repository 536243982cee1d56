// Servers that ask who is calling: tokens, certificates and clients of every kind.
#pragma once

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>

#include "control/client.hpp"
#include "control/fixture.hpp"
#include "control/methods.hpp"
#include "control/server.hpp"

namespace control_test {

// Certificates as the openssl command makes them: an authority, a server for 127.0.0.1 and localhost, clients by name.
class Certificates {
 public:
  explicit Certificates(std::string directory) : directory_(std::move(directory)) { authority("ca"); }

  void authority(const std::string& name) const {
    openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=" + name + " -keyout " +
            key(name) + " -out " + cert(name));
  }
  void server(const std::string& name = "server") const {
    sign(name, "ca", "subjectAltName=IP:127.0.0.1,DNS:localhost");
  }
  void client(const std::string& name, const std::string& by = "ca",
              const std::string& alternative = "DNS:unused.example") const {
    sign(name, by, "subjectAltName=" + alternative);
  }
  std::string cert(const std::string& name) const { return directory_ + "/" + name + ".pem"; }
  std::string key(const std::string& name) const { return directory_ + "/" + name + ".key"; }

 private:
  void openssl(const std::string& arguments) const {
    INFO(arguments);
    REQUIRE(std::system(("openssl " + arguments + " >" + directory_ + "/openssl.log 2>&1").c_str()) == 0);
  }
  void sign(const std::string& name, const std::string& by, const std::string& extension) const {
    const std::string request = directory_ + "/" + name + ".csr";
    const std::string extensions = directory_ + "/" + name + ".ext";
    std::ofstream(extensions) << extension << "\n";
    openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + name + " -keyout " + key(name) +
            " -out " + request);
    openssl("x509 -req -days 2 -in " + request + " -CA " + cert(by) + " -CAkey " + key(by) +
            " -CAcreateserial -extfile " + extensions + " -out " + cert(name));
  }

  std::string directory_;
};

inline void write_file(const std::string& path, const std::string& text, unsigned mode = 0600) {
  std::ofstream(path) << text;
  std::filesystem::permissions(path, static_cast<std::filesystem::perms>(mode));
}

inline std::string token_of(std::string_view name) { return "0123456789abcdef-" + std::string(name); }

// Everything the observer was told.
class Observed {
 public:
  control::CallObserver observer() {
    return [this](const control::CallRecord& call) {
      const std::lock_guard lock(mutex_);
      lines_.push_back((call.caller != nullptr ? call.caller->name : "?") + " " + std::string(call.method) + " " +
                       (call.error == nullptr ? "ok" : call.error->reason) + (call.changes() ? " changes" : ""));
    };
  }
  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace control_test
