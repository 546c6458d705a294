#include "service/settings/settings_walker.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include <string>
#include <vector>

#include "proto/config.pb.h"
#include "proto/options.pb.h"
#include "service/settings/config.h"

namespace flashphase::service {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using testing::HasSubstr;
using testing::Not;

/// A field of proto/config.proto that holds one value.
struct Field {
  std::string path;
  FieldDescriptor::CppType type;
  v1::Setting setting;

  bool is_number() const {
    return type != FieldDescriptor::CPPTYPE_STRING && type != FieldDescriptor::CPPTYPE_BOOL;
  }
};

void collect(const Descriptor& section, const std::string& path, std::vector<Field>& fields) {
  for (int i = 0; i < section.field_count(); ++i) {
    const FieldDescriptor& field = *section.field(i);
    const std::string at = path + field.name();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
      collect(*field.message_type(), at + (field.is_repeated() ? "[0]." : "."), fields);
    else
      fields.push_back({at, field.cpp_type(), field.options().GetExtension(v1::setting)});
  }
}

const std::vector<Field>& fields() {
  static const std::vector<Field> all = [] {
    std::vector<Field> found;
    collect(*v1::Config::descriptor(), "", found);
    return found;
  }();
  return all;
}

/// What is said of the configuration in which one field has this value.
std::string problem_with(const Field& field, const std::string& value) {
  try {
    parse_config("source: [{endpoint: 'tcp://127.0.0.1:5601'}]", ".", {field.path + "=" + value});
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "(none)";
}

std::string problem_with(const Field& field, double value) {
  return problem_with(field, fmt::format("{}", value));
}

testing::Matcher<std::string> accepts(const Field& field) {
  return Not(HasSubstr(field.path + ": "));
}

testing::Matcher<std::string> refuses(const Field& field, const std::string& sentence) {
  return HasSubstr(field.path + ": " + sentence);
}

TEST(Settings, SayWhatTheyHaveWhenNotGiven) {
  ASSERT_GT(fields().size(), 40u);
  for (const Field& field : fields())
    EXPECT_NE(field.setting.otherwise_case(), v1::Setting::OTHERWISE_NOT_SET) << field.path;
}

TEST(Settings, AreGivenTheirDefaultsAtEveryDepth) {
  v1::Config config;
  config.add_source()->set_endpoint("tcp://127.0.0.1:5601");
  config.add_source()->set_high_water_mark(5);
  config.mutable_batch()->set_size(3);
  std::vector<std::string> problems;
  complete_settings(config, "", problems);
  EXPECT_THAT(problems, testing::IsEmpty());
  EXPECT_EQ(config.source(0).high_water_mark(), 1000);
  EXPECT_EQ(config.source(1).high_water_mark(), 5) << "what is given stays";
  EXPECT_EQ(config.source(1).max_message_bytes(), 268435456);
  EXPECT_FALSE(config.source(1).has_endpoint());
  EXPECT_EQ(config.batch().size(), 3);
  EXPECT_EQ(config.batch().deadline_ms(), 2.0f);
  EXPECT_EQ(config.refine().policy(), "off");
  EXPECT_TRUE(config.preprocess().has_calibration());
  EXPECT_FALSE(config.preprocess().has_centre_y());
  EXPECT_FALSE(config.preprocess().has_saturation());
}

TEST(Settings, RefuseNumbersBeyondTheirBounds) {
  for (const Field& field : fields()) {
    if (!field.is_number()) continue;
    EXPECT_TRUE(field.setting.has_min() || field.path == "preprocess.invalid_below") << field.path;
    if (field.setting.has_min()) {
      const double least = field.setting.min();
      EXPECT_THAT(problem_with(field, least), accepts(field));
      EXPECT_THAT(problem_with(field, least - 1),
                  refuses(field, fmt::format("{} is not within {} to ", least - 1, least)));
    }
    if (field.setting.has_max()) {
      const double most = field.setting.max();
      EXPECT_THAT(problem_with(field, most), accepts(field));
      EXPECT_THAT(problem_with(field, most + 1), refuses(field, fmt::format("{} is not within ", most + 1)));
    }
    if (field.type == FieldDescriptor::CPPTYPE_FLOAT) {
      EXPECT_THAT(problem_with(field, ".nan"), refuses(field, "nan is not within "));
      EXPECT_THAT(problem_with(field, ".inf"), refuses(field, "inf is not within "));
    }
  }
}

TEST(Settings, RefuseWordsThatAreNotAmongTheirs) {
  int with_choices = 0;
  for (const Field& field : fields()) {
    if (field.setting.choice().empty()) continue;
    ++with_choices;
    for (const std::string& word : field.setting.choice())
      EXPECT_THAT(problem_with(field, word), accepts(field));
    EXPECT_THAT(
        problem_with(field, "other"),
        refuses(field, fmt::format("\"other\" is not one of {}", fmt::join(field.setting.choice(), ", "))));
  }
  EXPECT_GE(with_choices, 7);
}

TEST(Settings, RefuseTextsThatAreTooShortOrTooLong) {
  const Field name{.path = "source[0].name", .type = FieldDescriptor::CPPTYPE_STRING, .setting = {}};
  EXPECT_THAT(problem_with(name, std::string(64, 'a')), accepts(name));
  for (const std::string& text : {std::string("''"), std::string(65, 'a')})
    EXPECT_EQ(problem_with(name, text), "source[0].name: has to have 1 to 64 characters");
}

TEST(Settings, SayWhatToGiveWhereATextMayNotBeEmpty) {
  const auto emptied = [](const char* path) { return problem_with({path, {}, {}}, "''"); };
  EXPECT_EQ(emptied("infer.model"), "infer.model: is empty; give the path of a model file, or none");
  EXPECT_EQ(emptied("http.address"), "http.address: is empty; give an address such as 127.0.0.1");
  EXPECT_EQ(emptied("preprocess.calibration"), "(none)");
}

}  // namespace
}  // namespace flashphase::service
