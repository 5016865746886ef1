#!/bin/sh
# The Collector without its own metrics: every one would bind port 8888, from the Supervisor's bootstrap on.
# The subcommands (featuregate, validate) do not know --set.
if [ "$1" = --config ]; then set -- "$@" --set=service.telemetry.metrics.level=none; fi
exec "$FLEETCOL" "$@"
