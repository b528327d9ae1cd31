// Everything of the public C++ interface.
#pragma once
#include "gexcore/book.hpp"
#include "gexcore/contracts.hpp"
#include "gexcore/cpu.hpp"
#include "gexcore/dynamics.hpp"
#include "gexcore/error.hpp"
#include "gexcore/execution.hpp"
#include "gexcore/greek_profile.hpp"
#include "gexcore/greeks.hpp"
#include "gexcore/implied_vol.hpp"
#include "gexcore/profile.hpp"
#include "gexcore/sums.hpp"
#include "gexcore/version.hpp"
