// Prints docs/protocol.md: the method table, and behind it docs/conformance.md. `control-docs > docs/protocol.md`.
#include <fstream>
#include <iostream>
#include <sstream>

#include "control/methods.hpp"

int main() {
  std::ifstream file(CONFORMANCE_FILE);
  std::ostringstream conformance;
  conformance << file.rdbuf();
  if (!file) {
    std::cerr << "cannot read " << CONFORMANCE_FILE << "\n";
    return 1;
  }
  std::cout << control::protocol_markdown() << "\n" << conformance.str() << std::flush;
  return std::cout ? 0 : 1;
}
