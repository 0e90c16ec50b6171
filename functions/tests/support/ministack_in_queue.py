"""ministack with room for a thousand callers in its listen queue. By default a hundred may wait; whoever comes after
them is not refused, but sends again after ever longer pauses, and the tests' clients give up meanwhile."""

import sys

import hypercorn.config
from ministack.app import main

hypercorn.config.Config.backlog = 1024
sys.exit(main())
