#pragma once

#include <string>
#include <vector>

namespace rankscope::diagnose {

// Of an even number the upper of the two in the middle; of none 0.
double MedianOf(std::vector<double> values);

// With four significant digits: "0.2513", "1.2e+05".
std::string Figure(double value);

std::string Hundredths(double value);  // "12.34"

}  // namespace rankscope::diagnose
