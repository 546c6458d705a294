#pragma once

#include <string>

#include "trainer/report/page.h"

namespace flashphase::trainer::report {

/// The picture as an indexed PNG (ISO/IEC 15948) in a data: URI; its pixels are stored, not compressed.
std::string to_data_uri(const Picture& picture);

}  // namespace flashphase::trainer::report
