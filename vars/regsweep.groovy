// The step regsweep of a Jenkins shared library (docs/ci/jenkins.md):
//
//   regsweep image: env.IMAGE, keepLast: 5, credentialsId: 'registry-creds'
//
// An option is a flag in camel case: keepYoungerThan: '14d' is --keep-younger-than 14d. A list sets several values. The
// step also has these options:
//
//   image          what to prune and what was pushed, host/path:tag; a list for several images
//   credentialsId  user name and password in Jenkins; without it, docker's own login, such as that of docker.withRegistry
//   name           name of the report's files, for a build with several of these steps; default: regsweep
//   sshKeyId       SSH key in Jenkins for the registry's host, with gc: true and gcVia
//   lock           lock of the Lockable Resources plugin to hold while the step runs, so that one build at a time collects
//                  garbage
//
// The step archives the reports and adds a line to the build's description. The build is unstable if some deletions
// failed. Any other failure fails the build. The step returns the exit code.

int call(Map options) {
  String name = options.name ?: 'regsweep'
  List values = ["REGSWEEP_FILES=${name}"]
  // The values reach the shell only as variables, so that the shell takes none of them for a part of the script.
  String script = 'rm -f "$REGSWEEP_FILES.html" "$REGSWEEP_FILES.json" "$REGSWEEP_FILES.xml" "$REGSWEEP_FILES.line"\nregsweep --report "$REGSWEEP_FILES.html,$REGSWEEP_FILES.json,$REGSWEEP_FILES.xml,$REGSWEEP_FILES.line"'
  int number = 0
  for (String option in new ArrayList(options.keySet())) {
    if (option in ['name', 'credentialsId', 'sshKeyId', 'lock']) {
      continue
    }
    if (!(option ==~ /[a-z][a-zA-Z]*/)) {
      error("regsweep: '${option}' is not an option")
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
    String line = readFile(file: "${name}.line", encoding: 'UTF-8').trim() // the agent's default may be ASCII
    currentBuild.description = currentBuild.description ? "${currentBuild.description} | ${line}" : line
  }
  if (code == 1) { // the next build tries again
    unstable('regsweep: some images could not be deleted, the report says which')
  } else if (code != 0) {
    error("regsweep ended with exit code ${code}")
  }
  return code
}
