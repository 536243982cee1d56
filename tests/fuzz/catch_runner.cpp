// Catch without a main(): the fixtures that the fuzzers share with the tests use its assertions.
#define CATCH_CONFIG_RUNNER
#include "catch2/catch.hpp"
