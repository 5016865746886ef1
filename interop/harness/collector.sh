#!/bin/sh
# The real Collector, with two things that only matter where many of them are tested. Subcommands stay as they are.
if [ "$1" = --config ]; then
  # Every Collector would bind port 8888 for its own metrics, from the Supervisor's bootstrap on.
  set -- "$@" --set=service.telemetry.metrics.level=none
  # At v0.149.0 it outlives a Supervisor that was killed: the event of its orphan detection reaches nobody.
  supervisor=$PPID
  [ -n "$FLEETCOL_OUTLIVES" ] ||
    while kill -0 $$ && { kill -0 "$supervisor" || kill -KILL $$; }; do sleep 1; done >/dev/null 2>&1 </dev/null &
fi
exec "$FLEETCOL" "$@"
