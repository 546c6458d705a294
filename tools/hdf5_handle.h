#pragma once

#include <hdf5.h>

#include <stdexcept>

namespace flashphase::tools {

/// An HDF5 identifier, closed by the function of its kind. Throws std::runtime_error for one that is not.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {
    if (id_ < 0) throw std::runtime_error("HDF5 refused");
  }
  ~Handle() { close_(id_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

}  // namespace flashphase::tools
