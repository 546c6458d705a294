#pragma once

#include <memory>

#include "engine/frame/reconstruction.h"

namespace flashphase::service {

/// Object `index` of the batch as it leaves the service: amplitude scaled to a maximum of 1, phase in (-pi,
/// pi], support and residual as they are, the residual that noise explains, the frame's times so far. An
/// all-zero object stays all zero. Model, stage and further times are the caller's to fill in.
std::unique_ptr<Reconstruction> make_reconstruction(std::shared_ptr<const Pattern> pattern,
                                                    const ObjectBatch& objects, int index);

}  // namespace flashphase::service
