// Prints docs/protocol.md: `control-docs > docs/protocol.md`.
#include <iostream>

#include "control/methods.hpp"

int main() {
  std::cout << control::protocol_markdown() << std::flush;
  return std::cout ? 0 : 1;
}
