// Runs a declarative Jenkinsfile without Jenkins, which is no program that a test could install: a stand-in that knows
// the sections and steps below, refuses any other, and really runs what sh is given. Jenkins itself does more, such as
// masking secrets in its log; what is not printed here is not printed there either.
//
//   BUILD_NUMBER=42 BRANCH_NAME=main STAND_IN_CREDENTIALS=id=user:password groovy stand-in.groovy Jenkinsfile

// Block is what the names in a block of the pipeline mean: words are its calls, env its variables.
class Block {
  Map words, env

  def methodMissing(String name, Object args) {
    if (!words[name]) throw new IllegalArgumentException("'$name' has no place here")
    words[name].call(*args)
  }
  def propertyMissing(String name) {
    if (name == 'env') return env
    if (name in ['any', 'none']) return name
    if (!env.containsKey(name)) throw new IllegalArgumentException("no variable '$name'")
    env[name]
  }
  def propertyMissing(String name, Object value) { env[name] = value.toString() }
}

def env = new TreeMap(System.getenv())
def credentials = (env.remove('STAND_IN_CREDENTIALS') ?: '').tokenize(',').collectEntries { it.split('=', 2) as List }

def enter = { Closure body, Map words ->
  body.delegate = new Block(words: words, env: env)
  body.resolveStrategy = Closure.DELEGATE_ONLY
  body.call()
}

def steps = [:]
steps.sh = { String script ->
  def process = new ProcessBuilder('sh', '-xe', '-c', script).inheritIO()
  process.environment().clear()
  process.environment().putAll(env)
  def code = process.start().waitFor()
  if (code != 0) throw new RuntimeException("script returned exit code $code")
}
steps.echo = { println it }
steps.usernamePassword = { Map m ->
  if (!credentials[m.credentialsId]) throw new IllegalArgumentException("no credentials '$m.credentialsId'")
  def (user, password) = credentials[m.credentialsId].split(':', 2)
  [(m.usernameVariable): user, (m.passwordVariable): password]
}
steps.withCredentials = { List bindings, Closure body ->
  def before = new TreeMap(env)
  bindings.each { env.putAll(it) }
  try { enter(body, steps) } finally { env.clear(); env.putAll(before) }
}
steps.archiveArtifacts = { Map m ->
  def pattern = m.artifacts.replace('.', '\\.').replace('*', '.*')
  def found = new File('.').list().findAll { it ==~ pattern }.sort()
  if (!found && !m.allowEmptyArchive) throw new RuntimeException("no artifacts match '$m.artifacts'")
  println "archived ${found.join(' ')}"
}

def stage = { String name, Closure body ->
  def wanted = true, work = null
  enter(body, [
    when: { Closure c -> enter(c, [branch: { wanted = wanted && it == env.BRANCH_NAME }]) },
    steps: { Closure c -> work = c },
  ])
  println "stage $name" + (wanted ? '' : ' is skipped')
  if (wanted) enter(work, steps)
}

def result = null
binding.setVariable('pipeline') { Closure body ->
  def stages = null, after = [:]
  enter(body, [
    agent: { it },
    options: { Closure c -> enter(c, [disableConcurrentBuilds: { -> }]) },
    environment: { Closure c -> enter(c, [:]) },
    stages: { Closure c -> stages = c },
    post: { Closure c -> enter(c, ['always', 'success', 'failure'].collectEntries { name -> [name, { Closure p -> after[name] = p }] }) },
  ])
  result = 'SUCCESS'
  def attempt = { Closure work ->
    try { work() } catch (RuntimeException e) { println "failed: $e.message"; result = 'FAILURE' }
  }
  attempt { enter(stages, [stage: stage]) }
  ['always', result.toLowerCase()].each { name -> if (after[name]) attempt { enter(after[name], steps) } }
}
new GroovyShell(binding).evaluate(new File(args[0]))
println "finished: $result"
System.exit(result == 'SUCCESS' ? 0 : 1)
