#pragma once

#include "engine/refine/loop/loop.h"
#include "engine/refine/schedule.h"

namespace flashphase::refine {

/// The update of the algorithms that need one projection on the modulus an iteration. g is the iterate, P its
/// projection, S the support; "outside" means outside S, and with the option positive also where the test
/// fails:
///   ER    P inside, 0 outside; test P >= 0. Gerchberg-Saxton 1972; Fienup, Appl. Opt. 21, 2758 (1982)
///   HIO   P inside, g - beta P outside; test P >= 0. Fienup 1982
///   SF    P inside, -P outside (solvent flipping); test P >= 0. Abrahams & Leslie, Acta Cryst. D 52, 30
///   (1996) RAAR  P inside, beta g + (1 - 2 beta) P outside; test 2 P - g >= 0. Luke, Inverse Problems 21, 37
///   (2005) HPR   P inside, g - beta P outside; test (1 + beta) P - g >= 0; HIO where nothing is positive.
///   Bauschke, Combettes &
///         Luke, J. Opt. Soc. Am. A 20, 1025 (2003)
///   CHIO  positive objects: P inside where P >= alpha g; g - (1 - alpha)/alpha P inside where 0 <= P < alpha
///   g; g - beta P
///         elsewhere. Fienup, Appl. Opt. 52, 45 (2013)
///   RRR   (1 - beta) g + beta P inside, g - beta P outside; test 2 P - g >= 0. Elser, IUCrJ 5 (2018)
///   OSS   that of HIO (the filter comes after it, see Iterate::smooth_outside)
///   AER   that of ER (the momentum is added by Iterate::accelerate)
///   ML    none: Iterate::climb
/// With the option real the imaginary part counts as outside everywhere.
/// Precondition: not the difference map, which needs two projections (Iterate::difference_map).
Update update_of(const Step& step);

/// Standard deviation, in pixels of Fourier space, of the filter of OSS in iteration `done` of `total`: ten
/// stages from m down to m/10 in equal steps. Rodriguez et al., J. Appl. Cryst. 46, 312 (2013); they end at
/// 1/m, where nothing outside is left.
float oss_width(int done, int total, int m);

}  // namespace flashphase::refine
