// The step regsweep of a Jenkins shared library (docs/ci/jenkins.md):
//
//   regsweep image: env.IMAGE, keepLast: 5, credentialsId: 'registry-creds'
//
// An option is a flag in camel case: keepYoungerThan: '14d' is --keep-younger-than 14d, and a list is its values with
// commas between them. Besides there are
//
//   image          what to prune and what was pushed, host/path:tag; a list for several
//   credentialsId  user name and password of Jenkins; without it docker's own login, such as that of docker.withRegistry
//   name           of the report's files, for a build with several of these steps; regsweep if it is not given
//   sshKeyId       SSH key of Jenkins for the host of the registry, for gc: true and gcVia
//   lock           of the Lockable Resources plugin, held while the step runs: one build at a time has the registry collect
//
// The reports are archived, the build's description gets a line, and the build is unstable when some deletions failed.
// Any other failure fails it. The exit code is returned.

int call(Map options) {
  String name = options.name ?: 'regsweep'
  List values = ["REGSWEEP_FILES=${name}"]
  // The values reach the shell as variables alone, so that none is taken for a piece of the script.
  String script = 'rm -f "$REGSWEEP_FILES.html" "$REGSWEEP_FILES.json" "$REGSWEEP_FILES.xml" "$REGSWEEP_FILES.line"\nregsweep --report "$REGSWEEP_FILES.html,$REGSWEEP_FILES.json,$REGSWEEP_FILES.xml,$REGSWEEP_FILES.line"'
  int number = 0
  for (String option in new ArrayList(options.keySet())) {
    if (option in ['name', 'credentialsId', 'sshKeyId', 'lock']) {
      continue
    }
    if (!(option ==~ /[a-z][a-zA-Z]*/)) {
      error("regsweep: '${option}' is no option")
    }
    def value = options[option]
    values.add("REGSWEEP_VALUE_${number}=" + (value instanceof List ? value.join(',') : value))
    if (option == 'image') {
      values.add('REGSWEEP_IMAGES=' + (value instanceof List ? value.join(',') : value))
    } else {
      script += ' --' + option.replaceAll('([A-Z])', '-$1').toLowerCase() + '="$REGSWEEP_VALUE_' + number + '"'
    }
    number++
  }

  List secrets = []
  if (options.credentialsId) {
    secrets.add(usernamePassword(credentialsId: options.credentialsId, usernameVariable: 'REGSWEEP_USERNAME', passwordVariable: 'REGSWEEP_PASSWORD'))
  }
  if (options.sshKeyId) {
    secrets.add(sshUserPrivateKey(credentialsId: options.sshKeyId, keyFileVariable: 'REGSWEEP_GC_SSH_KEY'))
  }
  int code = 0
  Closure work = {
    withEnv(values) {
      withCredentials(secrets) {
        code = sh(returnStatus: true, script: script)
      }
    }
  }
  if (options.lock) {
    lock(options.lock) { work() }
  } else {
    work()
  }

  archiveArtifacts artifacts: "${name}.html,${name}.json", allowEmptyArchive: true
  junit testResults: "${name}.xml", allowEmptyResults: true
  if (fileExists("${name}.line")) {
    String line = readFile(file: "${name}.line", encoding: 'UTF-8').trim() // an agent may think in ASCII
    currentBuild.description = currentBuild.description ? "${currentBuild.description} | ${line}" : line
  }
  if (code == 1) { // the next build tries them again
    unstable('regsweep: some images could not be deleted, the report says which')
  } else if (code != 0) {
    error("regsweep ended with exit code ${code}")
  }
  return code
}
