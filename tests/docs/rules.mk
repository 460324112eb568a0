# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# What the documents say works.

CHECK += docs-readme
docs-readme.cmd = tests/docs/readme.sh

CHECK_QUICK += docs-pages
docs-pages.cmd = tests/docs/pages.sh

# All names that elsewhere.txt may have.
docs_names = $(foreach t,$(CHECK_FIRST) $(CHECK_QUICK) $(CHECK) packages-build $(CHECK_packages),$(call test_name,$(t))) \
	check check-quick check-packages $(MORE_KERNELS:%=check-%)
CHECK += docs-commands
docs-commands.cmd = tests/docs/commands.sh $(docs_names)
# Pages use the demo's network and data.
docs-commands.deps = $(DEMO_NET)
docs-commands.timeout = 600

# The guide's examples with the tree's warnings, and under sanitisers those that a simulated card can run.
DOCS_SHARE := $(BUILD)/docs/examples/share.o
DOCS_EXAMPLES := $(patsubst %,$(BUILD)/san/docs/examples/%,matmul cnn)
$(DOCS_SHARE): PKGS = $(LIBNPU_PKGS)
$(DOCS_EXAMPLES): private PKGS = $(LIBNPU_PKGS)
$(DOCS_EXAMPLES): private XLIBS = $(LIBNPU_LIBS)
$(DOCS_EXAMPLES): %: %.o $(LIBNPU_SAN)
	$(call link,$(SAN))

CHECK_QUICK += docs-examples
docs-examples.cmd = tests/docs/examples.sh $(NPUCC) $(DOCS_EXAMPLES)
docs-examples.deps = $(NPUCC) $(DOCS_EXAMPLES) $(DOCS_SHARE)
