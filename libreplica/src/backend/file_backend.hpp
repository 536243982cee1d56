// The file backend with its seams for faults and time.
#pragma once

#include "io/gate.hpp"
#include "replica/backend.hpp"

namespace replica::backend {

// `gate` and `clock` must outlive the backend; without a clock it is the system's.
std::unique_ptr<Backend> make_file_backend(FileBackendOptions options, io::Gate* gate, const Clock* clock = nullptr);

}  // namespace replica::backend
