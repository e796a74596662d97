/* rankscope._native: rankscope_embed.h for CPython 3.9 and later, in the limited API: one binary for all of them.
 * One handle a process. Every call holds the GIL. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x03090000
#include <Python.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "embed/rankscope_embed.h"

enum { kMaxFields = 512, kCacheSlots = 2048, kDropped = -1, kRefused = -2, kHeed = 2, kAsideBytes = 1 << 16 };

static rankscope_handle* handle;
static rankscope_handle* aside; /* a worker's own: it inherits `handle` and may not write to it */

/* Names are mostly literals, the same object in each call: their ids are found by address. */
static struct {
  PyObject* name;
  int field;
} cache[kCacheSlots];
static int cached;
static PyObject* kept; /* a set of names, or NULL: all */

static unsigned long long refused; /* what could not be recorded */

/* Counts it; the first is warned of. A mistake in what is logged never ends the training, -W error or not. */
static void SayRefused(const char* why) {
  if (refused++ == 0 && PyErr_WarnFormat(PyExc_UserWarning, 2, "rankscope: not recorded: %s", why) != 0) PyErr_Clear();
}

static int LookUp(PyObject* name) {
  if (kept) {
    int found = PySequence_Contains(kept, name);
    if (found <= 0) {
      PyErr_Clear();
      return kDropped;
    }
  }
  PyObject* bytes = PyUnicode_Check(name) ? PyUnicode_AsUTF8String(name) : NULL;
  char* text = NULL;
  Py_ssize_t length = 0;
  int field = kDropped;
  if (bytes && PyBytes_AsStringAndSize(bytes, &text, &length) == 0)
    field = rankscope_field(handle, text, (size_t)length);
  PyErr_Clear();
  Py_XDECREF(bytes);
  if (field >= 0) return field;
  SayRefused("a metric's name is text of 1 to 63 bytes, and there are at most 512 of them");
  return kRefused;
}

static int FieldOf(PyObject* name) {
  size_t slot = ((uintptr_t)name >> 4) % kCacheSlots;
  while (cache[slot].name && cache[slot].name != name) slot = (slot + 1) % kCacheSlots;
  if (cache[slot].name) return cache[slot].field;
  int field = LookUp(name);
  if (cached < kCacheSlots / 2 && field >= 0) {
    ++cached;
    Py_INCREF(name);
    cache[slot].name = name;
    cache[slot].field = field;
  }
  return field;
}

static void ForgetFields(void) {
  for (int i = 0; i < kCacheSlots; ++i) Py_CLEAR(cache[i].name);
  cached = 0;
}

/* 1: a plain number in *value. 0: something else. */
static int PlainNumber(PyObject* object, double* value) {
  if (!PyFloat_Check(object) && !PyLong_Check(object)) return 0;
  *value = PyFloat_AsDouble(object);
  if (*value != -1.0 || !PyErr_Occurred()) return 1;
  PyErr_Clear();
  return 0;
}

static int StepOf(PyObject* object, int64_t* step) {
  *step = RANKSCOPE_NO_STEP;
  if (!object || object == Py_None) return 1;
  *step = PyLong_AsLongLong(object);
  if (*step >= 0) return 1;
  if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "a step is not negative");
  return 0;
}

static PyObject* Log(PyObject* self, PyObject* arguments, PyObject* keywords) {
  (void)self;
  static char* names[] = {"metrics", "step", NULL};
  PyObject *metrics, *step_object = NULL;
  if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O!|O:log", names, &PyDict_Type, &metrics, &step_object))
    return NULL;
  int64_t step;
  if (!StepOf(step_object, &step)) return NULL;
  if (!handle) Py_RETURN_TRUE;
  uint32_t fields[kMaxFields];
  double values[kMaxFields];
  size_t count = 0;
  PyObject *name, *value;
  for (Py_ssize_t at = 0; PyDict_Next(metrics, &at, &name, &value) && count < kMaxFields;) {
    if (!PlainNumber(value, &values[count])) Py_RETURN_FALSE;
    int field = FieldOf(name);
    if (field >= 0) fields[count++] = (uint32_t)field;
  }
  if (rankscope_log(handle, step, fields, values, count) == RANKSCOPE_HEED) return PyLong_FromLong(kHeed);
  Py_RETURN_TRUE;
}

static PyObject* Record(PyObject* self, PyObject* arguments) {
  (void)self;
  const char *stream, *json;
  Py_ssize_t length;
  PyObject* step_object;
  int64_t step;
  if (!PyArg_ParseTuple(arguments, "sOs#:record", &stream, &step_object, &json, &length)) return NULL;
  if (!StepOf(step_object, &step)) return NULL;
  return PyLong_FromLong(rankscope_record(handle, stream, step, json, (size_t)length));
}

static int RecordAside(const char* stream, int64_t step, const char* json, size_t length) {
  int error = aside ? rankscope_record(aside, stream, step, json, length) : -ECHILD;
  if (error != -ECHILD) return error;
  rankscope_close(aside); /* of the process that forked this one */
  aside = NULL;
  rankscope_options options = {.size = sizeof options, .ring_bytes = kAsideBytes, .worker = 1};
  error = rankscope_open(&options, &aside);
  return error ? error : rankscope_record(aside, stream, step, json, length);
}

static PyObject* Aside(PyObject* self, PyObject* arguments) {
  (void)self;
  const char *stream, *json;
  Py_ssize_t length;
  PyObject* step_object;
  int64_t step;
  if (!PyArg_ParseTuple(arguments, "sOs#:record_aside", &stream, &step_object, &json, &length)) return NULL;
  if (!StepOf(step_object, &step)) return NULL;
  return PyLong_FromLong(RecordAside(stream, step, json, (size_t)length));
}

static PyObject* MetricNames(PyObject* self, PyObject* none) {
  (void)self, (void)none;
  static const struct {
    const char *printed, *canonical;
    double scale;
    int inverse;
  } names[] = {
#define RANKSCOPE_METRIC_NAME(printed, canonical, scale, inverse) {printed, canonical, scale, inverse},
#include "parse/metric_names.inc"
#undef RANKSCOPE_METRIC_NAME
  };
  PyObject* found = PyDict_New();
  for (size_t i = 0; found && i < sizeof names / sizeof *names; ++i) {
    PyObject* meaning = Py_BuildValue("(sdi)", names[i].canonical, names[i].scale, names[i].inverse);
    if (!meaning || PyDict_SetItemString(found, names[i].printed, meaning) != 0) Py_CLEAR(found);
    Py_XDECREF(meaning);
  }
  return found;
}

static PyObject* SetStep(PyObject* self, PyObject* step_object) {
  (void)self;
  int64_t step;
  if (!StepOf(step_object, &step)) return NULL;
  int heed = step != RANKSCOPE_NO_STEP && rankscope_set_step(handle, step) == RANKSCOPE_HEED;
  return PyBool_FromLong(heed);
}

static PyObject* Heed(PyObject* self, PyObject* none) {
  (void)self, (void)none;
  return PyLong_FromLong(rankscope_heed(handle));
}

static PyObject* IsHeld(PyObject* self, PyObject* none) {
  (void)self, (void)none;
  return PyBool_FromLong(rankscope_is_held(handle));
}

static PyObject* CanEnd(PyObject* self, PyObject* saves) {
  (void)self;
  rankscope_can_end(handle, PyObject_IsTrue(saves));
  Py_RETURN_NONE;
}

static PyObject* Raised(PyObject* self, PyObject* none) {
  (void)self, (void)none;
  return PyBool_FromLong(rankscope_raised(handle) == RANKSCOPE_WAIT);
}

static PyObject* AllowPause(PyObject* self, PyObject* none) {
  (void)self, (void)none;
  rankscope_allow_pause(handle);
  Py_RETURN_NONE;
}

static PyObject* SetCollectiveTimeout(PyObject* self, PyObject* seconds) {
  (void)self;
  unsigned long value = PyLong_AsUnsignedLong(seconds);
  if (value == (unsigned long)-1 && PyErr_Occurred()) return NULL;
  rankscope_set_collective_timeout(handle, (uint32_t)value);
  Py_RETURN_NONE;
}

static PyObject* SetStackSignal(PyObject* self, PyObject* number) {
  (void)self;
  long value = PyLong_AsLong(number);
  if (value == -1 && PyErr_Occurred()) return NULL;
  rankscope_set_stack_signal(handle, (int)value);
  Py_RETURN_NONE;
}

static PyObject* Level(PyObject* self, PyObject* none) {
  (void)self, (void)none;
  return PyLong_FromUnsignedLong(rankscope_level(handle));
}

static PyObject* Open(PyObject* self, PyObject* arguments, PyObject* keywords) {
  (void)self;
  static char* names[] = {"directory", "log_interval_steps", NULL};
  rankscope_options options = {.size = sizeof options};
  unsigned int interval = 0;
  if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|zI:open", names, &options.directory, &interval)) return NULL;
  if (handle) Py_RETURN_TRUE;
  options.log_interval_steps = interval;
  int error = rankscope_open(&options, &handle);
  if (error == 0) Py_RETURN_TRUE;
  if (error == -ENOENT && !options.directory) Py_RETURN_FALSE;
  errno = -error;
  return PyErr_SetFromErrno(PyExc_OSError);
}

static PyObject* Keep(PyObject* self, PyObject* names) {
  (void)self;
  PyObject* set = names == Py_None ? NULL : PySet_New(names);
  if (!set && names != Py_None) return NULL;
  ForgetFields();
  Py_XDECREF(kept);
  kept = set;
  Py_RETURN_NONE;
}

static PyObject* SetInterval(PyObject* self, PyObject* steps) {
  (void)self;
  unsigned long value = PyLong_AsUnsignedLong(steps);
  if (value == (unsigned long)-1 && PyErr_Occurred()) return NULL;
  rankscope_set_log_interval_steps(handle, (uint32_t)value);
  Py_RETURN_NONE;
}

static PyObject* Interval(PyObject* self, PyObject* none) {
  (void)self, (void)none;
  return PyLong_FromUnsignedLong(rankscope_log_interval_steps(handle));
}

static PyObject* Dropped(PyObject* self, PyObject* none) {
  (void)self, (void)none;
  return PyLong_FromUnsignedLongLong(rankscope_dropped(handle));
}

static PyObject* Refuse(PyObject* self, PyObject* why) {
  (void)self;
  PyObject* bytes = PyUnicode_AsEncodedString(why, "utf-8", "replace");
  const char* text = bytes ? PyBytes_AsString(bytes) : NULL;
  SayRefused(text ? text : "?");
  PyErr_Clear();
  Py_XDECREF(bytes);
  Py_RETURN_NONE;
}

static PyObject* Refused(PyObject* self, PyObject* none) {
  (void)self, (void)none;
  return PyLong_FromUnsignedLongLong(refused);
}

static PyObject* Close(PyObject* self, PyObject* none) {
  (void)self, (void)none;
  ForgetFields();
  rankscope_close(handle);
  handle = NULL;
  Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"open", (PyCFunction)(void (*)(void))Open, METH_VARARGS | METH_KEYWORDS,
     "open(directory=None, log_interval_steps=0): whether this process has a ring now. OSError: it cannot be made."},
    {"log", (PyCFunction)(void (*)(void))Log, METH_VARARGS | METH_KEYWORDS,
     "log(metrics, step=None): False, and nothing is logged, when a value is no plain number; else True, or 2: heed."},
    {"record", Record, METH_VARARGS, "record(stream, step, json): 0 or a negative errno."},
    {"record_aside", Aside, METH_VARARGS,
     "record_aside(stream, step, json): as record, from a child process, by a small ring that it opens for that."},
    {"metric_names", MetricNames, METH_NOARGS, "{name in lower case: (canonical name, scale, whether it is inverse)}"},
    {"set_step", SetStep, METH_O, "set_step(step): whether there is something to heed."},
    {"heed", Heed, METH_NOARGS, "What this rank is told: 0 go on, 1 wait, 2 end, and then it is believed to do so."},
    {"is_held", IsHeld, METH_NOARGS, "Whether this rank is told to wait."},
    {"can_end", CanEnd, METH_O, "can_end(saves): heed() is asked at each step; whether a checkpoint is saved in any case."},
    {"raised", Raised, METH_NOARGS, "Says that the process ends by an exception. Whether to wait with that."},
    {"allow_pause", AllowPause, METH_NOARGS, "heed() may say other than 0 from now on."},
    {"set_collective_timeout", SetCollectiveTimeout, METH_O, "set_collective_timeout(seconds)"},
    {"set_stack_signal", SetStackSignal, METH_O, "set_stack_signal(number)"},
    {"level", Level, METH_NOARGS, "The level that logging is to have; 0: its own."},
    {"keep", Keep, METH_O, "keep(names): log() takes only these; None: all."},
    {"set_interval", SetInterval, METH_O, "set_interval(steps)"},
    {"interval", Interval, METH_NOARGS, "log_interval_steps as the agent or the server set it last."},
    {"dropped", Dropped, METH_NOARGS, "Records that found the ring full."},
    {"refuse", Refuse, METH_O, "refuse(why): counts something that is not recorded, and warns of the first."},
    {"refused", Refused, METH_NOARGS, "How much was not recorded because it cannot be."},
    {"close", Close, METH_NOARGS, "Flushes the open window and lets the ring go."},
    {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "rankscope._native", "Binding of rankscope_embed.h.", -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__native(void) { return PyModule_Create(&module); }
