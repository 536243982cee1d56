// One include for the test framework; tests keep to the subset that Catch2 2 and 3 share.
#pragma once
#include <catch2/catch.hpp>
