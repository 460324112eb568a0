// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * See session.h. A buffer for each region that the image leaves to the caller.
 */
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct session {
	struct npu_program *program;
	struct npu_queue *queue;
	struct npu_buffer *buffer[NPU_MAX_REGIONS];
	struct npu_binding binding[NPU_MAX_REGIONS];
	unsigned int bindings;
};

int session_open(struct session **out, struct npu_device *dev, const void *image, size_t size)
{
	struct session *s = calloc(1, sizeof(*s));
	unsigned int i;
	int ret;

	*out = s;
	if (!s)
		return -ENOMEM;
	ret = npu_program_create(dev, image, size, &s->program);
	if (!ret)
		ret = npu_queue_create(dev, NULL, &s->queue);
	for (i = 0; i < NPU_MAX_REGIONS && !ret; i++) {
		const struct npu_region_info *r = npu_program_region(s->program, i);

		if (r->kind != NPU_REGION_BOUND)
			continue;
		ret = npu_buffer_create(dev, r->size, NPU_BUFFER_LOCAL, &s->buffer[i]);
		s->binding[s->bindings++] =
			(struct npu_binding){ .region = i, .buffer = s->buffer[i] };
	}
	return ret;
}

void session_close(struct session *s)
{
	unsigned int i;

	if (!s)
		return;
	npu_queue_release(s->queue);
	npu_program_release(s->program);
	for (i = 0; i < NPU_MAX_REGIONS; i++)
		npu_buffer_release(s->buffer[i]);
	free(s);
}

const struct npu_tensor_info *session_tensor(const struct session *s, uint32_t role,
					     const char *name)
{
	unsigned int i;

	for (i = 0; i < npu_program_tensors(s->program); i++) {
		const struct npu_tensor_info *t = npu_program_tensor(s->program, i);

		if (t->role == role && !strcmp(t->name, name))
			return t;
	}
	return NULL;
}

int session_set(struct session *s, const struct npu_tensor_info *t, const void *data)
{
	return npu_buffer_write(s->buffer[t->region], t->offset, data, t->size);
}

int session_get(struct session *s, const struct npu_tensor_info *t, void *data)
{
	return npu_buffer_read(s->buffer[t->region], t->offset, data, t->size);
}

int session_run(struct session *s)
{
	struct npu_job job = { .program = s->program,
			       .bindings = s->binding,
			       .binding_count = s->bindings };
	struct npu_fence *fence = NULL;
	int ret = npu_queue_submit(s->queue, &job, 1, NULL, 0, &fence);

	if (!ret)
		ret = npu_fence_wait(fence, NPU_WAIT_FOREVER);
	npu_fence_release(fence);
	return ret;
}
