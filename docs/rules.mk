# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# The pages' pictures, drawn by graphviz of docs/pictures/*.dot. Those of what was measured are drawn by `make bench-growth`.
# Each has the sum of its source in it; tests/docs/pages.sh compares.

PICTURES := $(patsubst docs/pictures/%.dot,docs/%.svg,$(wildcard docs/pictures/*.dot))

.PHONY: pictures
pictures: | deps-pictures
	$(Q)$(MAKE) --no-print-directory $(PICTURES)

$(PICTURES): docs/%.svg: docs/pictures/%.dot
	$(call quiet,DOT,$@){ echo '<!-- SPDX-License-Identifier: MIT -->'; \
		echo '<!-- Copyright (c) 2026 the npu authors -->'; \
		echo "<!-- of pictures/$(<F), $$(sha256sum <$< | cut -c 1-64) -->"; \
		dot -Tsvg $< | sed -n '/<svg/,$$p'; } >$@
