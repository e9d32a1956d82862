// Signs as fast as a program can, through any PKCS#11 module or any ssh-agent, and prints one line
// of JSON: signatures a second, and the median and 99th percentile of how long one took. The same
// program measures Strongroom and its peers: only the module or the socket differs.
//
//   client make    MODULE TOKEN PIN
//   client sign    MODULE TOKEN PIN MECHANISM THREADS PROCESSES WARM_MS RUN_MS
//   client agent   SOCKET THREADS PROCESSES WARM_MS RUN_MS
//
// MECHANISM is ecdsa (a digest of 32 bytes, P-256), rsa (SHA256-RSA-PKCS, 2048 bits), rsa-raw
// (RSA-PKCS over a DigestInfo) or call (C_GetSessionInfo: a call that does nothing). `agent` uses the
// first Ed25519 key of the agent. Each thread has a session of its own and verifies its last
// signature with the module when it is done.
//
// Only the few declarations of PKCS#11 v2.40 that are used stand here: no header is needed.
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef unsigned long ulong;
typedef unsigned char byte;

// Places of the functions in CK_FUNCTION_LIST.
enum {
  C_Initialize = 0,
  C_Finalize = 1,
  C_GetSlotList = 4,
  C_GetTokenInfo = 6,
  C_OpenSession = 12,
  C_GetSessionInfo = 15,
  C_Login = 18,
  C_FindObjectsInit = 26,
  C_FindObjects = 27,
  C_FindObjectsFinal = 28,
  C_SignInit = 42,
  C_Sign = 43,
  C_VerifyInit = 48,
  C_Verify = 49,
  C_GenerateKeyPair = 59,
  FUNCTIONS = 68,
};
typedef struct {
  byte version[2];
  ulong (*call[FUNCTIONS])();
} FunctionList;
typedef struct {
  ulong type;
  void *value;
  ulong length;
} Attribute;
typedef struct {
  ulong type;
  void *parameter;
  ulong length;
} Mechanism;
typedef struct {
  void *functions[4];
  ulong flags;
  void *reserved;
} InitializeArgs;

#define CKM_RSA_PKCS_KEY_PAIR_GEN 0x0000
#define CKM_RSA_PKCS 0x0001
#define CKM_SHA256_RSA_PKCS 0x0040
#define CKM_EC_KEY_PAIR_GEN 0x1040
#define CKM_ECDSA 0x1041
#define CKA_CLASS 0x000
#define CKA_TOKEN 0x001
#define CKA_PRIVATE 0x002
#define CKA_LABEL 0x003
#define CKA_SIGN 0x108
#define CKA_VERIFY 0x10a
#define CKA_MODULUS_BITS 0x121
#define CKA_PUBLIC_EXPONENT 0x122
#define CKA_EC_PARAMS 0x180
#define CKO_PUBLIC_KEY 2
#define CKO_PRIVATE_KEY 3
#define CKF_SERIAL_AND_RW 6
#define CKF_OS_LOCKING_OK 2
#define CKU_USER 1
#define CKR_USER_ALREADY_LOGGED_IN 0x100

enum { MAX_THREADS = 16, MAX_PROCESSES = 16, MAX_SAMPLES = 1 << 20 };

// What the processes share: the starting line and the results.
typedef struct {
  double rate[MAX_PROCESSES * MAX_THREADS];
  uint32_t samples[MAX_PROCESSES * MAX_THREADS];
  pthread_barrier_t line;
  // One at a time loads the module and logs in: SoftHSM2 loses its token otherwise.
  pthread_mutex_t door;
} Shared;
static Shared *shared;
static uint32_t *taken; // MAX_SAMPLES a thread, nanoseconds

static FunctionList *list;
static ulong slot;
static const char *pin, *kind, *agent_path;
static int threads, processes, process_index, warm_ms, run_ms;

static void die(const char *what, ulong code) {
  fprintf(stderr, "client: %s failed: 0x%lx\n", what, code);
  exit(1);
}
#define CALL(name, ...)                                                                            \
  do {                                                                                             \
    ulong result = list->call[name](__VA_ARGS__);                                                  \
    if (result != 0) die(#name, result);                                                           \
  } while (0)

static int64_t now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

// ── PKCS#11 ─────────────────────────────────────────────────────────────────────────────────────

static void load(const char *path, const char *token) {
  void *module = dlopen(path, RTLD_NOW);
  if (module == NULL) {
    fprintf(stderr, "client: %s\n", dlerror());
    exit(1);
  }
  ulong (*get)(FunctionList **) = (ulong(*)(FunctionList **))dlsym(module, "C_GetFunctionList");
  if (get == NULL || get(&list) != 0) die("C_GetFunctionList", 0);
  InitializeArgs args = {.flags = CKF_OS_LOCKING_OK};
  CALL(C_Initialize, &args);
  ulong slots[64], count = 64;
  CALL(C_GetSlotList, (byte)1, slots, &count);
  size_t length = strlen(token);
  for (ulong index = 0; index < count; index++) {
    byte info[1024] = {0}; // CK_TOKEN_INFO begins with the label, 32 bytes padded with spaces
    CALL(C_GetTokenInfo, slots[index], info);
    if (memcmp(info, token, length) == 0 && (length == 32 || info[length] == ' ')) {
      slot = slots[index];
      return;
    }
  }
  die("finding the token", count);
}

static ulong open_session(void) {
  ulong session;
  CALL(C_OpenSession, slot, (ulong)CKF_SERIAL_AND_RW, NULL, NULL, &session);
  ulong result = list->call[C_Login](session, (ulong)CKU_USER, pin, (ulong)strlen(pin));
  if (result != 0 && result != CKR_USER_ALREADY_LOGGED_IN) die("C_Login", result);
  return session;
}

static ulong find(ulong session, ulong class, const char *label) {
  Attribute template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, (void *)label, strlen(label)}};
  ulong object, count = 0;
  CALL(C_FindObjectsInit, session, template, 2UL);
  CALL(C_FindObjects, session, &object, 1UL, &count);
  CALL(C_FindObjectsFinal, session);
  if (count != 1) die("finding the key", count);
  return object;
}

static void make(void) {
  ulong session = open_session(), public_key, private_key, bits = 2048;
  byte yes = 1, exponent[] = {1, 0, 1};
  byte p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
  Attribute private_template[] = {{CKA_TOKEN, &yes, 1},
                                  {CKA_PRIVATE, &yes, 1},
                                  {CKA_SIGN, &yes, 1},
                                  {CKA_LABEL, "ecdsa", 5}};
  Attribute ec[] = {{CKA_TOKEN, &yes, 1},
                    {CKA_VERIFY, &yes, 1},
                    {CKA_LABEL, "ecdsa", 5},
                    {CKA_EC_PARAMS, p256, sizeof p256}};
  Mechanism ec_gen = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
  CALL(C_GenerateKeyPair, session, &ec_gen, ec, 4UL, private_template, 4UL, &public_key, &private_key);
  private_template[3] = (Attribute){CKA_LABEL, "rsa", 3};
  Attribute rsa[] = {{CKA_TOKEN, &yes, 1},
                     {CKA_VERIFY, &yes, 1},
                     {CKA_LABEL, "rsa", 3},
                     {CKA_MODULUS_BITS, &bits, sizeof bits},
                     {CKA_PUBLIC_EXPONENT, exponent, 3}};
  Mechanism rsa_gen = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
  CALL(C_GenerateKeyPair, session, &rsa_gen, rsa, 5UL, private_template, 4UL, &public_key, &private_key);
}

typedef struct {
  ulong session, private_key, public_key;
  Mechanism mechanism;
  byte data[64], signature[512];
  ulong data_length, signature_length;
  int socket;
  byte request[512], reply[1024];
  size_t request_length;
} Work;

// DigestInfo of SHA-256 (RFC 8017, 9.2), the digest behind it.
static const byte DIGEST_INFO[19] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                     0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};

static void prepare(Work *work) {
  int raw = strcmp(kind, "rsa-raw") == 0, rsa = raw || strcmp(kind, "rsa") == 0;
  const char *label = rsa ? "rsa" : "ecdsa";
  pthread_mutex_lock(&shared->door);
  work->session = open_session();
  pthread_mutex_unlock(&shared->door);
  work->private_key = find(work->session, CKO_PRIVATE_KEY, label);
  work->public_key = find(work->session, CKO_PUBLIC_KEY, label);
  work->mechanism.type = raw ? CKM_RSA_PKCS : rsa ? CKM_SHA256_RSA_PKCS : CKM_ECDSA;
  for (int index = 0; index < 64; index++) work->data[index] = (byte)(index * 7 + 1);
  work->data_length = raw ? sizeof DIGEST_INFO + 32 : 32;
  if (raw) memcpy(work->data, DIGEST_INFO, sizeof DIGEST_INFO);
}

static void sign(Work *work) {
  if (kind[0] == 'c') {
    byte info[64];
    CALL(C_GetSessionInfo, work->session, info);
    return;
  }
  work->signature_length = sizeof work->signature;
  CALL(C_SignInit, work->session, &work->mechanism, work->private_key);
  CALL(C_Sign, work->session, work->data, work->data_length, work->signature, &work->signature_length);
}

static void verify(Work *work) {
  if (kind[0] == 'c') return;
  CALL(C_VerifyInit, work->session, &work->mechanism, work->public_key);
  CALL(C_Verify, work->session, work->data, work->data_length, work->signature, work->signature_length);
}

// ── ssh-agent ───────────────────────────────────────────────────────────────────────────────────

static uint32_t u32(const byte *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static byte *put(byte *at, const void *bytes, uint32_t length) {
  at[0] = length >> 24, at[1] = length >> 16, at[2] = length >> 8, at[3] = length;
  memcpy(at + 4, bytes, length);
  return at + 4 + length;
}

// Sends one message and reads its answer into `work->reply`; the answer's length.
static uint32_t ask(Work *work, const byte *message, size_t length) {
  if (write(work->socket, message, length) != (ssize_t)length) die("write", errno);
  size_t have = 0, want = 4;
  while (have < want) {
    ssize_t got = read(work->socket, work->reply + have, sizeof work->reply - have);
    if (got <= 0) die("read", errno);
    have += got;
    if (have >= 4) want = 4 + u32(work->reply);
    if (want > sizeof work->reply) die("an answer so long", want);
  }
  return want - 4;
}

static void prepare_agent(Work *work) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, agent_path, sizeof address.sun_path - 1);
  work->socket = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(work->socket, (struct sockaddr *)&address, sizeof address) != 0) die("connect", errno);
  static const byte list_keys[] = {0, 0, 0, 1, 11};
  uint32_t end = 4 + ask(work, list_keys, sizeof list_keys), at = 9;
  while (at < end) {
    byte *blob = work->reply + at;
    if (memcmp(blob + 8, "ssh-ed25519", 11) == 0) {
      byte message[512], data[32] = {1, 2, 3};
      message[0] = 13; // SSH_AGENTC_SIGN_REQUEST
      byte *next = put(put(message + 1, blob + 4, u32(blob)), data, sizeof data);
      memset(next, 0, 4);
      work->request_length = put(work->request, message, next + 4 - message) - work->request;
      return;
    }
    at += 4 + u32(blob);
    at += 4 + u32(work->reply + at);
  }
  die("finding an Ed25519 key", 0);
}

static void sign_agent(Work *work) {
  ask(work, work->request, work->request_length);
  if (work->reply[4] != 14) die("SIGN_RESPONSE", work->reply[4]);
}

// ── Measuring ───────────────────────────────────────────────────────────────────────────────────

static void *run(void *argument) {
  int index = process_index * threads + (int)(intptr_t)argument;
  uint32_t *samples = taken + (size_t)index * MAX_SAMPLES;
  Work work = {0};
  void (*one)(Work *) = agent_path != NULL ? sign_agent : sign;
  if (agent_path != NULL) prepare_agent(&work);
  else prepare(&work);
  for (int64_t end = now() + warm_ms * 1000000LL; now() < end;) one(&work);
  pthread_barrier_wait(&shared->line);
  uint32_t count = 0;
  int64_t start = now(), at = start, end = start + run_ms * 1000000LL;
  while (at < end && count < MAX_SAMPLES) {
    one(&work);
    int64_t done = now();
    samples[count++] = (uint32_t)(done - at);
    at = done;
  }
  shared->rate[index] = count * 1e9 / (double)(at - start);
  shared->samples[index] = count;
  if (agent_path == NULL) verify(&work);
  return NULL;
}

static int by_value(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static void report(void) {
  double rate = 0;
  size_t count = 0;
  // The samples of every thread, moved together.
  for (int index = 0; index < processes * threads; index++) {
    rate += shared->rate[index];
    memmove(taken + count, taken + (size_t)index * MAX_SAMPLES, shared->samples[index] * sizeof *taken);
    count += shared->samples[index];
  }
  if (count == 0) die("measuring", 0);
  qsort(taken, count, sizeof *taken, by_value);
  printf("{\"rate\":%.1f,\"p50\":%.3f,\"p99\":%.3f,\"count\":%zu}\n", rate, taken[count / 2] / 1e3,
         taken[count - 1 - count / 100] / 1e3, count);
}

static void *map(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) die("mmap", errno);
  return memory;
}

// Every process loads the module for itself: none is shared over a fork.
static void measure(const char *module, const char *token) {
  if (threads < 1 || threads > MAX_THREADS || processes < 1 || processes > MAX_PROCESSES) {
    die("taking so many threads or processes", 0);
  }
  shared = map(sizeof *shared);
  taken = map((size_t)threads * processes * MAX_SAMPLES * sizeof *taken);
  pthread_barrierattr_t attributes;
  pthread_barrierattr_init(&attributes);
  pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_barrier_init(&shared->line, &attributes, threads * processes);
  pthread_mutexattr_t between;
  pthread_mutexattr_init(&between);
  pthread_mutexattr_setpshared(&between, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&shared->door, &between);
  pid_t children[MAX_PROCESSES];
  for (process_index = 0; process_index < processes; process_index++) {
    children[process_index] = fork();
    if (children[process_index] != 0) continue;
    pthread_mutex_lock(&shared->door);
    if (agent_path == NULL) load(module, token);
    pthread_mutex_unlock(&shared->door);
    pthread_t running[MAX_THREADS];
    for (intptr_t index = 0; index < threads; index++) {
      pthread_create(&running[index], NULL, run, (void *)index);
    }
    for (int index = 0; index < threads; index++) pthread_join(running[index], NULL);
    if (agent_path == NULL) CALL(C_Finalize, NULL);
    exit(0);
  }
  for (int index = 0, status; index < processes; index++) {
    // One that failed never reaches the line: the others would wait for it for ever.
    if (wait(&status) == -1 || status != 0) {
      for (int other = 0; other < processes; other++) {
        if (children[other] > 0) kill(children[other], SIGTERM);
      }
      exit(1);
    }
  }
  report();
}

int main(int count, char **words) {
  if (count == 5 && strcmp(words[1], "make") == 0) {
    pin = words[4];
    load(words[2], words[3]);
    make();
    CALL(C_Finalize, NULL);
    return 0;
  }
  if (count == 10 && strcmp(words[1], "sign") == 0) {
    pin = words[4], kind = words[5];
    threads = atoi(words[6]), processes = atoi(words[7]), warm_ms = atoi(words[8]), run_ms = atoi(words[9]);
    measure(words[2], words[3]);
    return 0;
  }
  if (count == 7 && strcmp(words[1], "agent") == 0) {
    agent_path = words[2];
    threads = atoi(words[3]), processes = atoi(words[4]), warm_ms = atoi(words[5]), run_ms = atoi(words[6]);
    measure(NULL, NULL);
    return 0;
  }
  fprintf(stderr, "client: make MODULE TOKEN PIN | sign MODULE TOKEN PIN MECHANISM THREADS PROCESSES "
                  "WARM_MS RUN_MS | agent SOCKET THREADS PROCESSES WARM_MS RUN_MS\n");
  return 2;
}
