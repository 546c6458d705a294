#include "trainer/report/page.h"
#include "trainer/report/png.h"

namespace flashphase::trainer::report {
namespace {

constexpr const char* kStyle = R"(
:root{color-scheme:light dark;--paper:#fff;--ink:#1c2024;--soft:#5b6570;--rule:#d9dee3;--c0:#1b6ca8;--c1:#c2571a;--c2:#2b8a3e;--c3:#8a3ab9;--c4:#a61e4d;--c5:#54606c}
@media screen and (prefers-color-scheme:dark){:root{--paper:#14171a;--ink:#e6e9ec;--soft:#9aa5b0;--rule:#343b42;--c0:#6bb7f0;--c1:#f2a065;--c2:#6fcf87;--c3:#c99bf0;--c4:#f28bb0;--c5:#aab4be}}
body{background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif;max-width:1120px;margin:24px auto;padding:0 16px}
h1{font-size:26px;margin:0 0 8px}h2{font-size:19px;margin:34px 0 6px;border-bottom:1px solid var(--rule)}
p{margin:6px 0 10px;max-width:90ch}.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(330px,1fr));gap:14px 20px}
figure{margin:0;break-inside:avoid}figcaption{font-weight:600;font-size:14px}.legend{font-size:12.5px;display:flex;flex-wrap:wrap;gap:0 14px}
.legend i{display:inline-block;width:18px;border-top:3px solid;vertical-align:middle;margin-right:5px}
svg{width:100%;height:auto;display:block}svg text{font-size:11.5px;fill:var(--soft)}.m{text-anchor:middle}.e{text-anchor:end}
.g{stroke:var(--rule);stroke-width:.6;fill:none}.a{stroke:var(--soft);fill:none}.l{fill:none;stroke-width:1.8}.f{stroke:none!important;fill-opacity:.16}
.p,.f,.b{fill:currentColor}.b{fill-opacity:.35;stroke:var(--paper);stroke-width:.5}.l{stroke:currentColor}
.s0{color:var(--c0)}.s1{color:var(--c1)}.s2{color:var(--c2)}.s3{color:var(--c3)}.s4{color:var(--c4)}.s5{color:var(--c5)}
.l.s1{stroke-dasharray:7 3}.l.s2{stroke-dasharray:2 3}.l.s3{stroke-dasharray:8 3 2 3}.l.s4{stroke-dasharray:4 4}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:13.5px;margin:4px 0 14px}caption{text-align:left;font-weight:600;padding:4px 0}
th,td{padding:3px 10px 3px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--rule)}td.n{font-variant-numeric:tabular-nums}
code{font-size:12px}td img{width:104px;height:104px;image-rendering:pixelated;display:block;background:var(--rule)}.pictures td,.pictures th{border:0;padding:2px 6px 2px 0}
.pictures th{font-weight:400;font-size:12.5px}
@media print{body{max-width:none;margin:0;font-size:12px;print-color-adjust:exact}td img{width:76px;height:76px}tr{break-inside:avoid}}
)";

std::string html(const Plot& plot) {
  std::string out = "<figure><figcaption>" + escaped(plot.title) + "</figcaption>" + to_svg(plot) +
                    "<div class=\"legend\">";
  for (std::size_t i = 0; i < plot.series.size(); ++i)
    out +=
        "<span class=\"s" + std::to_string(i % 6) + "\"><i></i>" + escaped(plot.series[i].name) + "</span>";
  return out + "</div></figure>\n";
}

/// What stands between backquotes is code.
std::string words(const std::string& text) {
  std::string out;
  bool code = false;
  for (const char c : escaped(text)) {
    if (c != '`') {
      out += c;
      continue;
    }
    out += code ? "</code>" : "<code>";
    code = !code;
  }
  return out;
}

std::string html(const Cell& cell) {
  if (const double* value = std::get_if<double>(&cell))
    return "<td class=\"n\">" + short_number(*value) + "</td>";
  return "<td>" + words(std::get<std::string>(cell)) + "</td>";
}

std::string header(const std::vector<std::string>& columns) {
  std::string out = "<tr>";
  for (const std::string& column : columns) out += "<th>" + words(column) + "</th>";
  return out + "</tr>\n";
}

std::string html(const Table& table) {
  std::string out =
      "<div class=\"wide\"><table><caption>" + escaped(table.title) + "</caption>" + header(table.columns);
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (const Cell& cell : row) out += html(cell);
    out += "</tr>\n";
  }
  return out + "</table></div>\n";
}

std::string html(const Gallery& gallery) {
  std::string out =
      "<div class=\"wide\"><table class=\"pictures\"><caption>" + escaped(gallery.title) + "</caption>";
  std::vector<std::string> columns{""};
  columns.insert(columns.end(), gallery.columns.begin(), gallery.columns.end());
  out += header(columns);
  for (const Gallery::Row& row : gallery.rows) {
    out += "<tr><th>" + escaped(row.name) + "</th>";
    for (const Picture& picture : row.pictures) {
      out += "<td>";
      if (picture.size > 0)
        out += "<img alt=\"" + escaped(row.name) + "\" src=\"" + to_data_uri(picture) + "\">";
      out += "</td>";
    }
    out += "</tr>\n";
  }
  return out + "</table></div>\n";
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string to_html(const Page& page) {
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\"><title>" +
      escaped(page.title) + "</title><style>" + kStyle + "</style></head><body>\n<h1>" + escaped(page.title) +
      "</h1><p>" + words(page.text) + "</p>\n";
  for (const Section& section : page.sections) {
    out += "<section id=\"" + section.key + "\"><h2>" + escaped(section.title) + "</h2>";
    if (!section.text.empty()) out += "<p>" + words(section.text) + "</p>\n";
    for (const Table& table : section.tables) out += html(table);
    if (!section.plots.empty()) {
      out += "<div class=\"plots\">";
      for (const Plot& plot : section.plots) out += html(plot);
      out += "</div>\n";
    }
    for (const Gallery& gallery : section.galleries) out += html(gallery);
    out += "</section>\n";
  }
  return out + "</body></html>\n";
}

}  // namespace flashphase::trainer::report
