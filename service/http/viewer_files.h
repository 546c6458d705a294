#pragma once

namespace flashphase::http {

/// The files of service/viewer, put into the program at build time.
extern const char* const kViewerHtml;
extern const char* const kViewerCss;
extern const char* const kViewerJs;

}  // namespace flashphase::http
