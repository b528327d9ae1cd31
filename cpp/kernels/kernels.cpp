// The single translation unit of the kernels, compiled once per ISA with GEXCORE_KERNEL_NAMESPACE set to the ISA's name.
#include "../src/kernels.hpp"

#include "black_scholes.hpp"
#include "certify.hpp"
#include "dynamics.hpp"
#include "gamma_sums.hpp"
#include "greeks.hpp"
#include "implied_vol.hpp"
#include "math.hpp"
#include "moments.hpp"
#include "sum.hpp"
#include "sweep.hpp"
#include "sweep_moments.hpp"

#define GEXCORE_TEXT_OF(name) #name
#define GEXCORE_NAME_OF(name) GEXCORE_TEXT_OF(name)

namespace GEXCORE_KERNEL_NAMESPACE {

extern const gexcore::Kernels kernels;
const gexcore::Kernels kernels = {
    GEXCORE_NAME_OF(GEXCORE_KERNEL_NAMESPACE),
    greeks,
    sum,
    sum_abs,
    sum_by,
    sweep_prepare,
    split_log,
    sweep,
    sweep_uniform,
    implied_vol,
    move_vols,
    moment_columns,
    moment_prepare,
    sweep_moments,
    expand,
    sweep_fourth,
    gamma_sums,
    gamma_prepare,
    spot_gamma,
    largest_key,
};

}  // namespace GEXCORE_KERNEL_NAMESPACE
