// Runs a declarative Jenkinsfile without Jenkins, which is no program that a test could install: a stand-in that knows
// the sections and steps below, refuses any other, and really runs what sh is given. Steps of a shared library are the
// files in the folder vars. Jenkins itself does more, such as masking secrets in its log; what is not printed here is not
// printed there either.
//
//   BUILD_NUMBER=42 BRANCH_NAME=main STAND_IN_CREDENTIALS=id=user:password groovy stand-in.groovy Jenkinsfile [vars]
//
// An SSH key is a credential too, of which the password is the key.

// Block is what the names in a block of the pipeline mean: words are its calls, known its variables, env the variables
// of the environment.
class Block {
  Map words, known, env

  def methodMissing(String name, Object args) {
    if (!words[name]) throw new IllegalArgumentException("'$name' has no place here")
    words[name].call(*args)
  }
  def propertyMissing(String name) {
    if (known.containsKey(name)) return known[name]
    if (name in ['any', 'none']) return name
    if (!env.containsKey(name)) throw new IllegalArgumentException("no variable '$name'")
    env[name]
  }
  def propertyMissing(String name, Object value) { env[name] = value.toString() }
}

// Build is currentBuild.
class Build {
  String description
  String result = 'SUCCESS'
}

System.out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, 'UTF-8')
def env = new TreeMap(System.getenv())
def credentials = (env.remove('STAND_IN_CREDENTIALS') ?: '').tokenize(',').collectEntries { it.split('=', 2) as List }
def build = new Build()
def known = [env: env, currentBuild: build]

def enter = { Closure body, Map words ->
  body.delegate = new Block(words: words, known: known, env: env)
  body.resolveStrategy = Closure.DELEGATE_ONLY
  body.call()
}
def within = { Map more, Closure body ->
  def before = new TreeMap(env)
  env.putAll(more.collectEntries { k, v -> [k.toString(), v.toString()] })
  try { body() } finally { env.clear(); env.putAll(before) }
}
def options = { Map m, List allowed -> m.keySet().each { if (!(it in allowed)) throw new IllegalArgumentException("no option '$it'") } }

def steps = [:]
steps.sh = { what ->
  def m = what instanceof Map ? what : [script: what]
  options(m, ['script', 'returnStatus'])
  def process = new ProcessBuilder('sh', '-xe', '-c', m.script.toString()).inheritIO()
  process.environment().clear()
  process.environment().putAll(env)
  def code = process.start().waitFor()
  if (m.returnStatus) return code
  if (code != 0) throw new RuntimeException("script returned exit code $code")
}
steps.echo = { println it }
steps.error = { throw new RuntimeException(it.toString()) }
steps.unstable = { println "unstable: $it"; if (build.result == 'SUCCESS') build.result = 'UNSTABLE' }
steps.script = { Closure body -> enter(body, steps) }
steps.readFile = { what ->
  def m = what instanceof Map ? what : [file: what]
  options(m, ['file', 'encoding'])
  m.encoding ? new File(m.file.toString()).getText(m.encoding) : new File(m.file.toString()).text // as the agent thinks
}
steps.fileExists = { new File(it.toString()).exists() }
steps.usernamePassword = { Map m ->
  options(m, ['credentialsId', 'usernameVariable', 'passwordVariable'])
  if (!credentials[m.credentialsId]) throw new IllegalArgumentException("no credentials '$m.credentialsId'")
  def (user, password) = credentials[m.credentialsId].split(':', 2)
  [(m.usernameVariable): user, (m.passwordVariable): password]
}
def keys = []
steps.sshUserPrivateKey = { Map m ->
  options(m, ['credentialsId', 'keyFileVariable'])
  if (!credentials[m.credentialsId]) throw new IllegalArgumentException("no credentials '$m.credentialsId'")
  def file = File.createTempFile('key', '')
  file.text = credentials[m.credentialsId].split(':', 2)[1]
  keys << file
  [(m.keyFileVariable): file.path]
}
steps.lock = { String name, Closure body ->
  println "lock $name"
  try { enter(body, steps) } finally { println "unlock $name" }
}
steps.withCredentials = { List bindings, Closure body ->
  try { within(bindings.inject([:]) { a, b -> a + b }) { enter(body, steps) } } finally { keys*.delete(); keys.clear() }
}
steps.withEnv = { List values, Closure body -> within(values.collectEntries { it.toString().split('=', 2) as List }) { enter(body, steps) } }
def files = { String patterns ->
  patterns.tokenize(',').collectMany { one ->
    def pattern = one.trim().replace('.', '\\.').replace('*', '.*')
    new File('.').list().findAll { it ==~ pattern }
  }.sort()
}
steps.archiveArtifacts = { Map m ->
  options(m, ['artifacts', 'allowEmptyArchive'])
  def found = files(m.artifacts.toString())
  if (!found && !m.allowEmptyArchive) throw new RuntimeException("no artifacts match '$m.artifacts'")
  println "archived ${found.join(' ')}"
}
steps.junit = { Map m ->
  options(m, ['testResults', 'allowEmptyResults'])
  def found = files(m.testResults.toString())
  if (!found && !m.allowEmptyResults) throw new RuntimeException("no test results match '$m.testResults'")
  found.each {
    def suites = new XmlSlurper().parse(new File(it))
    def bad = suites.depthFirst().count { node -> node.name() in ['failure', 'error'] }
    println "junit $it: $bad bad"
    if (bad && build.result == 'SUCCESS') build.result = 'UNSTABLE'
  }
}
def docker = [withRegistry: { String url, String id, Closure body ->
  if (!credentials[id]) throw new IllegalArgumentException("no credentials '$id'")
  def dir = File.createTempDir()
  new File(dir, 'config.json').text = groovy.json.JsonOutput.toJson([auths: [(url): [auth: credentials[id].bytes.encodeBase64().toString()]]])
  try { within([DOCKER_REGISTRY_URL: url, DOCKER_CONFIG: dir.path]) { enter(body, steps) } } finally { dir.deleteDir() }
}]
known.docker = new Expando(docker)

// A step of a library is the function call of its file, and sees the other steps as functions of its own.
if (args.length > 1) {
  new File(args[1]).listFiles().findAll { it.name.endsWith('.groovy') }.each { file ->
    def library = new GroovyShell(new Binding(steps + known)).parse(file)
    steps[file.name - '.groovy'] = { Object... given -> library.call(*given) }
  }
}

def attempt = { Closure work ->
  try { work(); true } catch (RuntimeException e) { println "failed: $e.message"; build.result = 'FAILURE'; false }
}
def conditions = { Map into -> ['always', 'success', 'unstable', 'failure', 'cleanup'].collectEntries { name -> [name, { Closure p -> into[name] = p }] } }
def afterwards = { Map after, Closure outcome ->
  // https://www.jenkins.io/doc/book/pipeline/syntax/#post: always comes first, cleanup last; an error in one does not
  // keep the others from being run.
  def fine = true
  ['always', outcome(), 'cleanup'].each { name -> if (after[name]) fine = attempt { enter(after[name], steps) } && fine }
  fine
}

def stage = { String name, Closure body ->
  def wanted = true, work = null, after = [:]
  enter(body, [
    when: { Closure c -> enter(c, [branch: { wanted = wanted && it == env.BRANCH_NAME }]) },
    steps: { Closure c -> work = c },
    post: { Closure c -> enter(c, conditions(after)) },
  ])
  println "stage $name" + (wanted ? '' : ' is skipped')
  if (!wanted) return
  def fine = attempt { enter(work, steps) }
  fine = afterwards(after) { fine ? build.result.toLowerCase() : 'failure' } && fine
  if (!fine) throw new IllegalStateException("stage $name failed")
}

binding.setVariable('pipeline') { Closure body ->
  def stages = null, after = [:]
  enter(body, [
    agent: { it },
    options: { Closure c -> enter(c, [disableConcurrentBuilds: { -> }]) },
    triggers: { Closure c -> enter(c, [cron: { String when -> }]) },
    environment: { Closure c -> enter(c, [:]) },
    stages: { Closure c -> stages = c },
    post: { Closure c -> enter(c, conditions(after)) },
  ])
  attempt { enter(stages, [stage: stage]) }
  afterwards(after) { build.result.toLowerCase() }
}
// A library is named by an annotation, which Jenkins knows and Groovy alone does not.
new GroovyShell(binding).evaluate(new File(args[0]).text.replaceFirst(/(?m)^@Library\('[^']*'\) _$/, ''))
if (build.description) println "description: $build.description"
println "finished: $build.result"
System.exit(build.result == 'FAILURE' ? 1 : 0)
